import { Markup } from "./markup.ts";

/** How the page looks: in light and dark as the reader's system is set, on paper in light. */
export const STYLE = new Markup(`
:root{color-scheme:light dark;--text:#1c2127;--soft:#5a6572;--paper:#fff;--panel:#f4f6f8;--line:#d5dbe1;--working:#3b76c4;--good:#2b8a4b;--waiting:#c98512;--bad:#c9302c;--person:#7442b8;--on:#fff}
@media (prefers-color-scheme:dark){:root{--text:#e4e8ec;--soft:#9aa6b2;--paper:#15191d;--panel:#1e2429;--line:#36404a;--working:#6ea3e8;--good:#5fbf7f;--waiting:#e0a845;--bad:#f0706b;--person:#b48ce8;--on:#15191d}}
*{box-sizing:border-box}
body{margin:0 auto;padding:1.5rem clamp(1rem,3vw,2.5rem) 3rem;max-width:84rem;background:var(--paper);color:var(--text);font:15px/1.45 system-ui,"Segoe UI",Roboto,"Noto Sans","DejaVu Sans",sans-serif}
h1{font-size:1.5rem;line-height:1.2;margin:0 0 .35rem}
h1,dd,.note{overflow-wrap:anywhere}
td,th{overflow-wrap:break-word}
h2{font-size:1.1rem;margin:2rem 0 .6rem}
bdi{unicode-bidi:isolate}
.status{display:inline-block;max-width:100%;padding:.1rem .7rem;border-radius:1rem;color:var(--on);background:var(--waiting);font-weight:600;overflow-wrap:anywhere}
.status.good{background:var(--good)}.status.bad{background:var(--bad)}
dl{display:grid;grid-template-columns:max-content 1fr;gap:.15rem 1rem;margin:1rem 0 0}
dt{color:var(--soft)}dd{margin:0;min-width:0}
figure{margin:0;padding:.9rem 1.1rem;background:var(--panel);border:1px solid var(--line);border-radius:.5rem}
figcaption,.note,footer{color:var(--soft);font-size:.88em}
.drawing{display:block;overflow:visible;font:12px/1 system-ui,"Segoe UI",Roboto,"Noto Sans","DejaVu Sans",sans-serif}
.drawing text{fill:var(--text)}
.drawing .tick,.drawing .span,.drawing .lane{fill:var(--soft)}
.drawing .lane{font-weight:600}
.drawing .start{text-anchor:start}.drawing .middle,.pin text{text-anchor:middle}.drawing .end{text-anchor:end}
.grid{stroke:var(--line)}
.hatch{stroke:var(--soft);stroke-width:1.5;opacity:.25}
.gap rect{fill:url(#hatch)}.gap line{stroke:none}
.phase line{stroke-width:3}.mark{stroke-width:2}.run{stroke-width:3;opacity:.4}
.working{fill:var(--working);stroke:var(--working)}.good{fill:var(--good);stroke:var(--good)}
.waiting{fill:var(--waiting);stroke:var(--waiting)}.bad{fill:var(--bad);stroke:var(--bad)}
.phase rect{stroke:none}
.pin circle{fill:var(--panel);stroke:var(--soft);stroke-width:1.5}
.pin text{font-size:11px;stroke:none}
.pin.person circle{fill:var(--person);stroke:var(--person)}.pin.bad circle{fill:var(--bad);stroke:var(--bad)}
.pin.person text,.pin.bad text{fill:var(--on)}
.legend{display:flex;flex-wrap:wrap;gap:.2rem 1.1rem;margin:.7rem 0 0;padding:0;list-style:none}
.legend i{display:inline-block;width:.8em;height:.8em;margin-right:.4em;border-radius:2px;background:var(--working)}
.legend i.good{background:var(--good)}.legend i.waiting{background:var(--waiting)}.legend i.bad{background:var(--bad)}
.legend i.person{background:var(--person);border-radius:50%}.legend i.rule{background:none;border:1.5px solid var(--soft);border-radius:50%}
.legend i.none{background:repeating-linear-gradient(45deg,var(--line) 0 2px,transparent 2px 5px);border:1px solid var(--line)}
table{width:100%;table-layout:fixed;border-collapse:collapse;font-size:.92em}
.steps .c1{width:11.5%}.steps .c2{width:3%}.steps .c3{width:23%}.steps .c4{width:16%}.steps .c5{width:7.5%}
.list .c1{width:3%}.list .c2{width:9.5%}.list .c3{width:21%}.list .c4{width:21%}.list .c6{width:15%}
.failures .c3{width:25%}.failures .c4{width:auto}.failures .c5{width:15%}
th,td{text-align:left;vertical-align:top;padding:.3rem .6rem .3rem 0;border-bottom:1px solid var(--line)}
thead th{color:var(--soft);font-weight:600;font-size:.88em}
tbody th{padding-top:1.1rem;font-size:1.08em}
tbody th .took{font-weight:400;color:var(--soft);margin-left:.6em}
.at,.took{white-space:nowrap;font-variant-numeric:tabular-nums}
.at time{display:block;color:var(--soft);font-size:.88em}
td.took{text-align:right}thead .took{text-align:right}
.sign{width:1.4em;font-weight:700}
.failure .sign,.failure .what{color:var(--bad)}.success .sign{color:var(--good)}.pending .sign{color:var(--waiting)}
.pause td{color:var(--soft);font-style:italic}
.person{color:var(--person);font-weight:600}
code{font-size:.88em}.id code{font-size:.8em}
code{font-family:ui-monospace,"SF Mono",Menlo,Consolas,"DejaVu Sans Mono",monospace}
.id{color:var(--soft)}
footer{margin-top:2.5rem;border-top:1px solid var(--line);padding-top:.6rem}
@media screen and (max-width:46rem){
thead,colgroup{display:none}
table,tbody{display:block}
tr{display:grid;grid-template-columns:1.6em minmax(0,1fr) auto;gap:0 .5rem;padding:.4rem 0;border-bottom:1px solid var(--line)}
td,th{display:block;border:0;padding:0}
tbody th,td.wide,.pause td{grid-column:1/-1}
.sign{grid-area:1/1}.type{grid-area:1/2}td.at{grid-area:1/3/3/4;text-align:right}
.who{grid-area:2/2}.what{grid-area:3/2/4/4}.id{grid-area:4/2/5/4}
.steps .what{grid-area:3/2}td.took{grid-area:3/3}
td:empty{display:none}
}
@media print{
@page{margin:14mm}
:root{color-scheme:light;--text:#000;--soft:#444;--paper:#fff;--panel:#fff;--line:#bbb;--working:#3b76c4;--good:#2b8a4b;--waiting:#c98512;--bad:#c9302c;--person:#7442b8;--on:#fff}
*{print-color-adjust:exact;-webkit-print-color-adjust:exact}
body{max-width:none;padding:0;font-size:9.5pt}
figure,tr,li,dl{break-inside:avoid}
h2,tbody th{break-after:avoid}
thead{display:table-header-group}
}
`);
