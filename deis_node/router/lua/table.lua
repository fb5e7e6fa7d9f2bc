-- The table of routes, as the agent feeds it into the shared dictionary, read back and taken apart.
--
-- Keys of the dictionary `routes`:
--   l:<label>   the row of the app, or of the controllers, that answers at `<label>.<anything>`
--   d:<host>    a custom domain: the key of the row that answers there
--   w:<host>    a custom domain below the platform domain, asked for only after `l:`
--   m:<name>    about the table: incarnation, format, version, synced
-- A row is five words, see deis_node/router/rows.py. It is taken apart once per worker and change.

local _M = { FORMAT = "1" }

local routes = ngx.shared.routes
local parsed = {}

local function address(text)
    local host, port = text:match("^(.+):(%d+)$")
    return { text = text, host = host, port = tonumber(port) }
end

local function group(text)
    local weight, peers = text:match("^(%d+)=(.+)$")
    local found = { weight = tonumber(weight) }
    for peer in peers:gmatch("[^,]+") do
        found[#found + 1] = address(peer)
    end
    found.turn = math.random(#found)
    return found
end

local function tier(text)
    local groups = { weight = 0, size = 0 }
    if text == "-" then
        return groups
    end
    for word in text:gmatch("[^;]+") do
        local found = group(word)
        groups[#groups + 1] = found
        groups.weight = groups.weight + found.weight
        groups.size = groups.size + #found
    end
    return groups
end

local function bytes(hex)
    return (hex:gsub("%x%x", function(pair) return string.char(tonumber(pair, 16)) end))
end

-- nil lets everybody in, an empty list nobody.
local function networks(text)
    if text == "*" then
        return nil
    end
    local nets = {}
    for hex, bits in text:gmatch("(%x+)/(%d+)") do
        nets[#nets + 1] = { bytes = bytes(hex), bits = tonumber(bits) }
    end
    return nets
end

local function parse(row)
    local kind, name, nets, first, last = row:match("^(%S+) (%S+) (%S+) (%S+) (%S+)$")
    if not kind then
        return nil
    end
    local entry = { row = row, kind = kind, name = name, nets = networks(nets) }
    entry.tiers = { tier(first), tier(last) }
    entry.size = entry.tiers[1].size + entry.tiers[2].size
    return entry
end

-- Whether a full table of this code's format is in.
function _M.ready()
    return routes:get("m:synced") == 1 and routes:get("m:format") == _M.FORMAT
end

-- The row behind a key, taken apart; nil when there is none.
function _M.entry(key)
    local row = routes:get(key)
    if not row then
        parsed[key] = nil
        return nil
    end
    local entry = parsed[key]
    if not entry or entry.row ~= row then
        entry = parse(row)
        parsed[key] = entry
    end
    return entry
end

-- Whether the row behind the key is still the one this entry was made of.
function _M.current(key, entry)
    return routes:get(key) == entry.row
end

-- The key of the row that answers for a host name; nil when nobody does.
function _M.find(host)
    local key = routes:get("d:" .. host)
    if key then
        return key
    end
    local label = host:match("^([a-z0-9-]+)%.")
    if label then
        key = "l:" .. label
        if routes:get(key) then
            return key
        end
    end
    return routes:get("w:" .. host)
end

return _M
