// The style of the page: light or dark as the system is, one column on a phone, three plots side by side on a wide screen.
// Colours are those of Okabe and Ito, which people with any kind of colour vision tell apart; signs stand beside them.

export const pageStyle = `
:root { color-scheme: light dark; --back: #fff; --card: #f6f7f9; --ink: #1b1f24; --soft: #57606a; --line: #d0d7de;
  --grid: #e3e7eb; --signal: #0072b2; --reduced: #d55e00; --error: #b3417f; --bar: #7fb2d4; --good: #00664b; --bad: #a33a00; }
@media (prefers-color-scheme: dark) { :root { --back: #14171a; --card: #1d2125; --ink: #e6e8ea; --soft: #a5adb5;
  --line: #3a4149; --grid: #2c3238; --signal: #56b4e9; --reduced: #e69f00; --error: #e796c1; --bar: #2f6f96;
  --good: #3fcf9f; --bad: #ff9d5c; } }
* { box-sizing: border-box; }
body { margin: 0 auto; padding: 1rem; max-width: 90rem; background: var(--back); color: var(--ink);
  font: 1rem/1.5 system-ui, sans-serif; overflow-wrap: anywhere; }
h1 { font-size: 1.5rem; margin: 0; } h2 { font-size: 1.3rem; margin: 2.5rem 0 0; } h3 { font-size: 1.05rem; margin: 1.5rem 0 .4rem; }
h4 { font-size: 1rem; margin: 0 0 .5rem; } p { margin: .5rem 0; max-width: 75ch; }
.aside, caption, figcaption, dt { color: var(--soft); font-size: .875rem; }
.estimate { border: 2px solid var(--bad); border-radius: .4rem; padding: .5rem .75rem; font-weight: 600; max-width: none; }
.verdict strong { display: block; font-size: 1.1rem; }
a { color: var(--signal); }
.bars { list-style: none; margin: 0; padding: 0; display: grid; gap: .3rem; max-width: 64rem; }
.bars li { display: grid; grid-template-columns: 11rem 1fr 6rem 11rem 4rem; gap: .75rem; align-items: center; }
.bar { width: 100%; height: 1.1rem; background: var(--card); border-radius: .2rem; } .bar rect { fill: var(--bar); }
.none .bar rect { fill: var(--line); } .bytes { text-align: right; }
.lossless .claim, tr.lossless td:last-child, .exact .claim, tr.exact td:last-child { color: var(--good); }
.none .claim, tr.none td:last-child { color: var(--bad); }
.mark { justify-self: start; border: 1px solid var(--signal); color: var(--signal); border-radius: 1rem; padding: 0 .5rem; font-size: .8rem; white-space: nowrap; }
table.ways, table.summary { border-collapse: collapse; width: 100%; font-variant-numeric: tabular-nums; }
caption { text-align: left; padding-bottom: .4rem; }
.ways th, .ways td, .summary th, .summary td { text-align: right; padding: .3rem .5rem; border-bottom: 1px solid var(--line); vertical-align: top; }
.ways th:first-child, .ways tr > :last-child, .summary th, .summary td { text-align: left; } thead th { font-size: .875rem; color: var(--soft); }
.choose { display: flex; flex-wrap: wrap; gap: .5rem; align-items: center; margin: 1.5rem 0 .75rem; }
select { font: inherit; padding: .3rem .5rem; max-width: 100%; color: inherit; background: var(--card); border: 1px solid var(--soft); border-radius: .3rem; }
select:focus-visible, a:focus-visible { outline: 3px solid var(--signal); outline-offset: 2px; }
.cards { display: grid; gap: 1rem; margin-top: .75rem; }
.channel { background: var(--card); border-radius: .5rem; padding: .75rem; min-width: 0; }
.figures { display: grid; grid-template-columns: repeat(auto-fill, minmax(8rem, 1fr)); gap: .4rem .75rem; margin: 0; }
.figures dd { margin: 0; font-variant-numeric: tabular-nums; }
.plots { display: grid; grid-template-columns: minmax(0, 1fr) minmax(0, 1.4fr) minmax(0, 1.2fr); gap: 1rem; }
figure { margin: .5rem 0 0; min-width: 0; } figure[hidden] { display: none; }
.loss:empty, .note:empty { display: none; }
.uplot { font-family: inherit; } .u-legend { font-size: .8rem; text-align: left; margin: 0; color: var(--ink); } .u-legend.u-inline tr { margin-right: .75rem; }
.summary td:not(:last-child), .ways td, thead th { white-space: nowrap; } .summary tbody th { min-width: 9rem; } .u-legend tr:first-child .u-marker { display: none; }
.u-series > * { padding: 0 2px; } .u-series th { cursor: default; font-weight: 500; } .u-value { font-variant-numeric: tabular-nums; }
.u-hz .u-cursor-x, .u-hz .u-cursor-y { border-color: var(--soft); }
@media (max-width: 70rem) { .plots { grid-template-columns: minmax(0, 1fr); } }
@media (max-width: 48rem) {
  .bars li { grid-template-columns: 1fr auto; gap: 0 .75rem; margin-bottom: .4rem; } .bar { grid-column: 1 / -1; grid-row: 2; }
  .bars .bytes { grid-column: 2; grid-row: 1; } .mark { justify-self: end; }
  .ways thead, .summary thead { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); }
  .ways, .ways tbody, .ways tr, .ways td, .ways caption, .summary, .summary tbody, .summary tr, .summary td, .summary th { display: block; }
  .ways tr, .summary tr { border-bottom: 1px solid var(--line); padding: .4rem 0; }
  .ways th, .ways td, .summary th, .summary td { border: 0; padding: .05rem 0; text-align: left; } .ways tbody th { display: block; }
  .ways td, .summary td, .summary td:not(:last-child) { display: flex; justify-content: space-between; gap: 1rem; white-space: normal; } .ways td:last-child { text-align: right; }
  .ways td::before, .summary td::before { content: attr(data-label); color: var(--soft); white-space: nowrap; }
}
@media print { .channel { break-inside: avoid; } .choose { display: none; } }
`;
