"""How the page looks. PURE."""

STYLE = """
:root{--ink:#1c2430;--soft:#5b6675;--line:#e3e7ec;--back:#f7f8fa;--blue:#1f6feb;--code:#f0f2f5}
*{box-sizing:border-box}
html{scroll-padding-top:1rem}
body{margin:0;color:var(--ink);background:#fff;font:16px/1.55 system-ui,-apple-system,"Segoe UI",
Roboto,"Helvetica Neue",Arial,sans-serif}
a{color:var(--blue);text-decoration:none}a:hover{text-decoration:underline}
header{background:#16324f;color:#fff;padding:1.6rem 2rem}
header h1{margin:0;font-size:1.6rem;letter-spacing:.01em}header p{margin:.2rem 0 0;opacity:.9}
header a{color:#fff;text-decoration:underline}
.frame{display:grid;grid-template-columns:17rem minmax(0,52rem);gap:3rem;padding:0 2rem}
nav{position:sticky;top:0;align-self:start;max-height:100vh;overflow:auto;padding:1.5rem 0 2rem;
font-size:.87rem;border-right:1px solid var(--line)}
nav ul{list-style:none;margin:0 0 .8rem;padding:0}nav li{margin:.16rem 0}
nav li a{color:var(--soft)}nav li a:hover{color:var(--blue)}
nav h2{font-size:.87rem;margin:0 0 .2rem}nav h2 a{color:var(--ink)}
main{padding:1rem 0 6rem}
main h2{font-size:1.35rem;margin:2.6rem 0 .6rem;padding-bottom:.35rem;
border-bottom:2px solid var(--line)}
article{border:1px solid var(--line);border-radius:10px;padding:1.1rem 1.4rem 1.3rem;
margin:1.2rem 0;overflow-wrap:anywhere}
article:target{border-color:var(--blue);box-shadow:0 0 0 3px #1f6feb22}
h3{margin:0 0 .35rem;font-size:1.08rem}
h4{margin:1.1rem 0 .3rem;font-size:.76rem;letter-spacing:.07em;text-transform:uppercase;
color:var(--soft)}
article p{margin:.3rem 0}
code,pre{font-family:ui-monospace,SFMono-Regular,Menlo,Consolas,"DejaVu Sans Mono",monospace;
font-size:.86em}
code{background:var(--code);border-radius:4px;padding:.1em .35em}
pre{background:var(--back);border:1px solid var(--line);border-radius:8px;padding:.8rem 1rem;
overflow-x:auto;line-height:1.5;margin:.5rem 0}
.route{font-size:1.02rem}.route code{background:none;padding:0}
.route i{color:#8250df;font-style:normal}
.route b{display:inline-block;min-width:4.4rem;text-align:center;border-radius:5px;color:#fff;
font-size:.78rem;padding:.12rem .5rem;margin-right:.4rem}
.get{background:#1f6feb}.post{background:#1a7f37}.delete{background:#c62f38}
.put,.patch{background:#9a6700}
.who,.note,.kind{color:var(--soft);font-size:.87rem}
.who b{color:var(--ink);font-weight:600}
table{width:100%;border-collapse:collapse;font-size:.92rem}
th,td{text-align:left;vertical-align:top;padding:.42rem .6rem .42rem 0;
border-top:1px solid var(--line)}
tr:first-child>*{border-top:0}
th{width:14rem;font-weight:400}
small{color:var(--soft);font-size:.74rem}small.needed{color:#c62f38}
.done th b{color:#1a7f37}.refused{color:var(--soft);font-size:.87rem}.refused th b{color:#c62f38}
.stock a{display:inline-block;color:var(--soft);font-size:.8rem;background:var(--back);
border:1px solid var(--line);border-radius:1rem;padding:.05rem .6rem;margin:.15rem .1rem}
.stock b{color:#c62f38}
details>summary{cursor:pointer;color:var(--soft);font-size:.87rem}
.prose p,.prose li{max-width:46rem}
@media(max-width:60rem){
.frame{display:block;padding:0 1rem}header{padding:1.2rem 1rem}
nav{position:static;max-height:none;border-right:0;border-bottom:1px solid var(--line);
padding:1rem 0;line-height:1.9}
nav ul{display:none}nav h2{display:inline-block;margin:0 .9rem 0 0}
th{width:9rem}article{padding:.9rem 1rem}
}
@media print{nav{display:none}.frame{display:block}}
""".strip()
