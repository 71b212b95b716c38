/// The report's one style sheet: light, dark and paper.
enum StyleSheet {
  /// Contains neither `<` nor `&`, so that it may stand in a style element of HTML and of XML.
  static let text = """
    :root{color-scheme:light dark;--paper:#ffffff;--raised:#f5f7fa;--ink:#161c26;--soft:#55606f;\
    --line:#d7dde5;--faint:#e9edf2;--accent:#0b5c96;--bad:#a8261c;--good:#1c6b45;--warm:#fdf6e7;\
    --warm-line:#d9a531;--k0:#0072b2;--k1:#d55e00;--k2:#009e73;--k3:#b0457f;--k4:#7a5c00;\
    --k5:#3a9bd6;--k6:#4b3fa0;--k7:#5f6b7a}
    @media (prefers-color-scheme:dark){:root{--paper:#11151b;--raised:#1a2028;--ink:#e6eaf0;\
    --soft:#9aa6b5;--line:#343d49;--faint:#242c36;--accent:#6db7ec;--bad:#ff8d80;--good:#71cf9f;\
    --warm:#2a2314;--warm-line:#a9822c;--k0:#58b4ee;--k1:#ff9a4d;--k2:#3fd3a6;--k3:#eb8fc0;\
    --k4:#e3c34f;--k5:#a6d8f7;--k6:#aba1f5;--k7:#b6c0cc}}
    *{box-sizing:border-box}
    html{-webkit-text-size-adjust:100%}
    body{margin:0;background:var(--paper);color:var(--ink);font:16px/1.55 -apple-system,BlinkMacSystemFont,\
    "Segoe UI",Roboto,"Noto Sans",Inter,"Helvetica Neue","Liberation Sans",Arial,system-ui,sans-serif;\
    overflow-wrap:break-word}
    main,header,footer,nav{max-width:60rem;margin:0 auto;padding:0 1.5rem}
    header{padding-top:2.8rem}
    .kicker{margin:0 0 .4rem;font-size:.78rem;font-weight:600;letter-spacing:.09em;\
    text-transform:uppercase;color:var(--accent)}
    h1{margin:0 0 .5rem;font-size:2.05rem;line-height:1.18;letter-spacing:-.015em;\
    text-wrap:balance}
    .subtitle{margin:0 0 1.4rem;color:var(--soft);max-width:46rem}
    h2{margin:3.2rem 0 1rem;padding-top:1rem;border-top:2px solid var(--ink);font-size:1.32rem;\
    line-height:1.25;letter-spacing:-.008em}
    h3{margin:2rem 0 .6rem;font-size:1.04rem}
    p{margin:.7rem 0;max-width:46rem}
    a{color:var(--accent);text-underline-offset:.15em}
    code{font:.88em/1.4 ui-monospace,"SFMono-Regular",Menlo,Consolas,"Liberation Mono",monospace;\
    overflow-wrap:anywhere}
    pre{margin:.8rem 0;padding:.8rem 1rem;background:var(--raised);border:1px solid var(--line);\
    border-radius:6px;white-space:pre-wrap;overflow-wrap:anywhere}
    .tiles{display:grid;grid-template-columns:repeat(4,1fr);gap:.7rem;\
    margin:1.4rem 0 1.6rem}
    .tile{padding:.75rem .9rem .7rem;background:var(--raised);border:1px solid var(--line);\
    border-radius:8px}
    .tile .name{display:block;font-size:.76rem;color:var(--soft)}
    .tile .value{display:block;font-size:1.5rem;font-weight:650;line-height:1.3;\
    letter-spacing:-.01em;font-variant-numeric:tabular-nums}
    .tile .range{display:block;font-size:.78rem;color:var(--soft);\
    font-variant-numeric:tabular-nums}
    nav{margin-bottom:1rem}
    nav ol{display:grid;grid-template-columns:repeat(auto-fill,minmax(17rem,1fr));\
    gap:.15rem 1.4rem;margin:0;padding:.9rem 0;border-top:1px solid var(--line);\
    border-bottom:1px solid var(--line);list-style-position:inside;font-size:.9rem}
    nav a{text-decoration:none}
    nav a:hover{text-decoration:underline}
    .limits{margin:1rem 0;padding:.6rem 1.2rem .7rem;background:var(--warm);\
    border-left:4px solid var(--warm-line);border-radius:0 6px 6px 0}
    .limits ul{margin:.4rem 0;padding-left:1.1rem}
    .limits li{margin:.42rem 0}
    .answer{font-size:1.12rem;line-height:1.6;max-width:50rem}
    ul.plain,ol.plain{padding-left:1.2rem;max-width:46rem}
    ul.plain li{margin:.35rem 0}
    dl{display:grid;grid-template-columns:minmax(9rem,14rem) 1fr;gap:0;margin:1rem 0;\
    border-top:1px solid var(--line)}
    dt,dd{margin:0;padding:.5rem 0;border-bottom:1px solid var(--line)}
    dt{padding-right:1rem;color:var(--soft);font-size:.9rem}
    figure{margin:1.8rem 0}
    figcaption{margin:0 0 .8rem;font-size:.88rem;line-height:1.5;color:var(--soft);max-width:50rem}
    figcaption b{color:var(--ink)}
    .released{display:block;margin-top:.25rem;font-size:.82rem}
    .released b{color:var(--accent);font-weight:600}
    .plot{overflow-x:auto}
    .pair{display:grid;grid-template-columns:repeat(auto-fit,minmax(19rem,1fr));gap:1rem 2rem}
    svg.drawing{display:block;width:100%;height:auto;font-family:inherit}
    svg .t{fill:var(--ink);font-size:12px}
    svg .t.muted{fill:var(--soft)}
    svg .head{font-weight:650;fill:var(--ink)}
    svg .num{font-variant-numeric:tabular-nums}
    svg .frame{fill:none;stroke:var(--line)}
    svg .grid{stroke:var(--faint);stroke-width:1}
    svg .rule{stroke:var(--ink);stroke-width:1}
    svg .ideal{stroke:var(--soft);stroke-width:1;stroke-dasharray:3 3;fill:none}
    svg .pooled{stroke:var(--accent);stroke-width:1;stroke-dasharray:5 3}
    svg .whisker{stroke:var(--ink);stroke-width:1.4;fill:none}
    svg .mark{fill:var(--ink)}
    svg .diamond{fill:var(--accent)}
    svg .prediction{fill:var(--accent);fill-opacity:.45}
    svg .void{fill:var(--raised)}
    svg .plate{fill:var(--paper);fill-opacity:.92}
    svg .hatch{stroke:var(--line);stroke-width:1}
    svg .ring{fill:none;stroke:#c4123f;stroke-width:2}
    svg .line{fill:none;stroke:var(--c);stroke-width:2;stroke-linejoin:round}
    svg .dot{fill:var(--c);stroke:var(--paper);stroke-width:.7}
    svg .bar{fill:var(--c)}
    svg .bar.pale{fill-opacity:.42}
    svg .ghost{fill:none;stroke:var(--soft);stroke-width:1.3}
    svg .ghost.dashed{stroke-dasharray:5 3}
    svg .cut{stroke:var(--bad);stroke-width:1.2;stroke-dasharray:2 2}
    svg .c0{--c:var(--k0)} svg .c1{--c:var(--k1)} svg .c2{--c:var(--k2)} svg .c3{--c:var(--k3)}
    svg .c4{--c:var(--k4)} svg .c5{--c:var(--k5)} svg .c6{--c:var(--k6)} svg .c7{--c:var(--k7)}
    svg .line.d1{stroke-dasharray:7 3} svg .line.d2{stroke-dasharray:2 3}
    .scroll{overflow-x:auto;margin-bottom:.8rem}
    table{width:100%;border-collapse:collapse;font-size:.86rem;line-height:1.4;\
    font-variant-numeric:tabular-nums;border-top:1.5px solid var(--ink);\
    border-bottom:1.5px solid var(--ink)}
    table.dense{font-size:.8rem}
    thead th{border-bottom:1px solid var(--ink);font-weight:650;vertical-align:bottom}
    th,td{padding:.36rem .55rem;text-align:left;vertical-align:top}
    th:first-child,td:first-child{padding-left:0}
    th:last-child,td:last-child{padding-right:0}
    tbody th{font-weight:500}
    tbody tr+tr th,tbody tr+tr td{border-top:1px solid var(--faint)}
    tr.total th,tr.total td{font-weight:650}
    th.n,td.n{text-align:right;white-space:nowrap}
    .small{font-size:.86em;color:var(--soft);font-weight:400}
    .indent{padding-left:1rem;color:var(--soft)}
    .missing{color:var(--bad);font-weight:650}
    .filled{color:var(--good)}
    .findings{padding-left:0;list-style:none;counter-reset:rank}
    .findings li{counter-increment:rank;display:grid;grid-template-columns:2.2rem 1fr;\
    padding:.6rem 0;border-bottom:1px solid var(--line)}
    .findings li::before{content:counter(rank);color:var(--soft);font-weight:650}
    .findings .what{font-weight:600}
    .findings .numbers{display:block;font-size:.84rem;font-weight:400;color:var(--soft);\
    font-variant-numeric:tabular-nums}
    footer{margin-top:3rem;padding-top:1rem;padding-bottom:3rem;border-top:1px solid var(--line);\
    font-size:.82rem;color:var(--soft)}
    @media (max-width:46rem){.tiles{grid-template-columns:1fr 1fr}\
    .plot svg.drawing{min-width:34rem}.pair svg.drawing{min-width:0}dl{grid-template-columns:1fr}dt{border-bottom:0;padding-bottom:0}\
    h1{font-size:1.6rem}}
    @page{size:A4;margin:17mm 16mm 18mm;@bottom-right{content:counter(page) " / " counter(pages);\
    font:8pt system-ui,sans-serif;color:#55606f}}
    @media print{:root{color-scheme:light;--paper:#ffffff;--raised:#f5f7fa;--ink:#000000;\
    --soft:#444c57;--line:#c8cfd8;--faint:#e4e8ee;--accent:#0b5c96;--bad:#a8261c;--good:#1c6b45;\
    --warm:#fdf8ec;--warm-line:#d9a531;--k0:#0072b2;--k1:#d55e00;--k2:#009e73;--k3:#b0457f;\
    --k4:#7a5c00;--k5:#3a9bd6;--k6:#4b3fa0;--k7:#5f6b7a}
    html{-webkit-print-color-adjust:exact;print-color-adjust:exact}
    html{font-size:9.5pt} body{font-size:1rem;line-height:1.42}
    main,header,footer,nav{max-width:none;padding:0}
    header{padding-top:0}
    h1{font-size:20pt} h2{font-size:13pt;margin-top:18pt;padding-top:6pt} h3{font-size:10.5pt}
    figure{margin:12pt 0}
    h2,h3{break-after:avoid}
    p,li{orphans:3;widows:3}
    .answer{font-size:10.5pt}
    h2+p{break-after:avoid;break-inside:avoid}
    p,figcaption,.answer,.subtitle,ul.plain{max-width:none}
    .limits{-webkit-box-decoration-break:clone;box-decoration-break:clone}
    figure,figcaption,.plot,svg.drawing,.tile,.limits li,.findings li,tr,dt,dd{break-inside:avoid}
    figure.tabular{break-inside:auto} figure.tabular.short{break-inside:avoid}
    figcaption{break-after:avoid;font-size:8.5pt}
    .released{font-size:8pt}
    .scroll,.plot{overflow:visible}
    .pair{grid-template-columns:1fr 1fr;gap:8pt 14pt}
    .tiles{grid-template-columns:repeat(4,1fr)}
    table{font-size:8pt} table.dense{font-size:7pt}
    th,td{padding:2.4pt 4pt}
    thead{display:table-header-group}
    svg.drawing{max-height:228mm}
    a{color:inherit;text-decoration:none}}
    """
}
