// Draws the charts of a page with plotly, in the page's own colours, light or dark.
const style = () => getComputedStyle(document.documentElement);
const colour = (name) => style().getPropertyValue(`--${name}`).trim();

function traces(chart) {
  const lying = chart.kind === "rows";
  return chart.series.map((one) => {
    const tone = colour(one.tone);
    const base = { name: one.name, x: lying ? one.y : one.x, y: lying ? one.x : one.y };
    if (chart.kind === "lines") {
      return { ...base, type: "scatter", mode: "lines+markers", line: { color: tone, width: 2 }, marker: { color: tone, size: 5 } };
    }
    return { ...base, type: "bar", orientation: lying ? "h" : "v", marker: { color: tone }, hovertemplate: lying ? "%{y}: %{x}<extra></extra>" : "%{x}: %{y}<extra></extra>" };
  });
}

function times(chart) {
  const all = chart.series.flatMap((one) => one.x).map((x) => Date.parse(x.replace(" ", "T"))).sort((a, b) => a - b);
  return all.length && all[all.length - 1] - all[0] < 36e5 * 36 && chart.series[0].x[0].includes(" ") ? "%H:%M" : "%m-%d";
}

function layout(chart, width) {
  const lying = chart.kind === "rows";
  const count = chart.series[0]?.x.length ?? 0;
  const font = { family: style().getPropertyValue("--sans"), size: 12, color: colour("quiet") };
  const axis = { gridcolor: colour("line"), linecolor: colour("line"), zerolinecolor: colour("line"), automargin: true, fixedrange: true };
  const values = { ...axis, rangemode: "tozero", tickformat: ",d" };
  const top = Math.max(1, ...chart.series.flatMap((one) => one.y));
  // A few people are whole people: no ticks in between.
  if (top < 6) values.dtick = 1;
  const names = lying
    ? { ...axis, type: "category", autorange: "reversed", showgrid: false }
    : { ...axis, type: "date", showgrid: false, tickformat: times(chart), nticks: width < 500 ? 4 : 7 };
  return {
    font, barmode: chart.series.length > 1 && !lying ? "stack" : "group", bargap: 0.25,
    height: lying ? Math.max(200, 60 + count * 30 * Math.max(1, chart.series.length * 0.7)) : 260,
    margin: { l: 44, r: 12, t: 8, b: 34 }, paper_bgcolor: "transparent", plot_bgcolor: "transparent",
    showlegend: chart.series.length > 1, legend: { orientation: "h", y: -0.18 },
    xaxis: lying ? values : names, yaxis: lying ? names : values,
    hoverlabel: { font: { family: font.family } },
  };
}

function draw() {
  for (const figure of document.querySelectorAll("[data-chart]")) {
    const chart = JSON.parse(document.getElementById(figure.dataset.chart).textContent);
    const plot = figure.querySelector(".plot");
    window.Plotly.react(plot, traces(chart), layout(chart, plot.clientWidth), { displayModeBar: false, responsive: true });
  }
}

draw();
window.matchMedia("(prefers-color-scheme: dark)").addEventListener("change", draw);
