"""Words of generated app ids, `<adjective>-<noun>` (semantics.md section 1)."""

_ADJECTIVES = """
active adroit afloat agreed amazed annual arable arched ardent argent astral astute atomic
august blithe breezy bright bronze bubbly candid casual cheery choice chosen chubby classy
clever cobalt common cosmic crafty creamy crispy cuddly curved dapper daring decent deluxe
direct docile dotted double dreamy earned easier edible elated entire exotic expert fabled
facile famous fervid fluent fluffy folded formal frosty frozen frugal future gabled gifted
gilded ginger global glossy grassy groovy hearty heroic hidden humane humble hushed iconic
inborn inland inside intact inward jagged jaunty jocund jovial joyful kindly kingly landed
lavish lawful loving lucent marble marine mature merged metric mighty minted minute mobile
modern modest molten mosaic native nearby nimble normal oblong opaque orange ornate padded
paired patent peachy pearly pebbly pliant poetic polite pretty primal prompt proper proven
purple quaint rested rising robust rolled rooted rugged rustic sacred saline scenic secure
sedate select serene shaded signed silken silver simple sleepy smooth snappy snazzy solemn
spiced spoken sporty spruce square starry steady sturdy subtle sunlit supple svelte sylvan
tender tented tinted toasty trendy triple trusty unique united upbeat upland upward usable
useful utmost valued varied verbal vernal violet walled wanted weekly wicker winged winter
wooded woolen worthy yellow yonder
"""

_NOUNS = """
aardvark accolade airfield alphabet anaconda analysis antelope aquarium asteroid audience
backpack bagpipes barbecue baritone basement birdbath blizzard bluebell bobwhite bookmark
broccoli building bungalow campfire cardigan carnival cassette cauldron champion chipmunk
cinnamon clematis coliseum concerto corduroy creature cucumber cylinder daffodil daydream
deckhand dinosaur diplomat doorbell duckling eggplant elephant ellipsis equation eyepiece
farmland festival fireside flagship flamingo flotilla football foothold fountain fragment
gardener gazpacho goldfish graphics guardian hallmark harmonic hayfield hedgehog heritage
hologram honeydew interval jalapeno kangaroo keystone kilogram kingfish labrador ladybird
landmark lemonade linguini longboat macaroni magnolia mandarin mangrove manifold marmoset
mattress medalist merchant metaphor milkweed monolith monument moorland mushroom narrator
neighbor nocturne obsidian offshoot operetta organist ornament overture palisade pamphlet
parabola parakeet pavilion pedestal pheasant pinnacle pipeline platform playbook porpoise
portrait postcard quadrant railroad receiver reindeer reporter rhapsody riverbed rosemary
rosewood sandwich savannah schooner seacoast semester shamrock skylight snowball snowdrop
software sonatina songbird spectrum squirrel starfish starling statuary suitcase sunshine
surveyor sycamore symphony tapestry teaspoon telegram thousand township triangle tricycle
trombone turmeric twilight umbrella vacation vanguard vineyard wardrobe wildlife windsock
woodland woodwind wrangler yearbook zeppelin
"""

ADJECTIVES = tuple(_ADJECTIVES.split())
"""200 of six letters."""

NOUNS = tuple(_NOUNS.split())
"""175 of eight letters."""
