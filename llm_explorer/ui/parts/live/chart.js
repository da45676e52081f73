// A chart that is kept and changed in place: zoom, hidden traces and hover survive a new figure.
// data: {figure: JSON text, height: pixels, alt: text, name: file name, script: address of Plotly's script, root: where
// Streamlit's own is}

const plots = new WeakMap();  // the element Streamlit gives us -> the plot in it
let config;

export default function (component) {
  const { data, parentElement, setStateValue } = component;
  const plot = plots.get(parentElement) ?? makePlot(parentElement);
  plot.wanted = data;
  plot.style.height = `${data.height}px`;
  plot.setAttribute("aria-label", data.alt);
  plot.dataset.name = data.name;
  loadPlotly(data)
    .then((Plotly) => draw(Plotly, plot, data))
    .catch(() => {
      // the server then draws the chart with Streamlit's own; not for a plot taken away while it was being drawn
      if (plot.wanted === data) setStateValue("failed", true);
    });
  return () => {
    plot.wanted = plot.drawn = null;
    window.Plotly?.purge(plot);
  };
}

function makePlot(parentElement) {
  const plot = document.createElement("div");
  plot.className = "live-chart";
  plot.setAttribute("role", "figure");
  plot.tabIndex = 0;
  parentElement.appendChild(plot);
  plots.set(parentElement, plot);
  return plot;
}

// Once for the whole page, however many charts ask; Streamlit's own charts bring a Plotly that they keep to themselves.
function loadPlotly({ script, root }) {
  window.llmExplorerPlotly ??= new Promise((done, fail) => {
    const element = document.createElement("script");
    element.src = new URL(script, appRoot(root));
    element.onload = () => done(window.Plotly);
    element.onerror = fail;
    document.head.appendChild(element);
  });
  return window.llmExplorerPlotly;
}

// The address that the app is served under, also behind a base path and on a page of its own.
function appRoot(root) {
  const entry = document.querySelector(root);
  return entry ? entry.src.split("static/js/")[0] : document.baseURI;
}

function draw(Plotly, plot, data) {
  const template = theme(plot);
  const drawn = data.figure + JSON.stringify(template);
  if (plot.drawn === drawn) return;  // what the slider moved is not in this chart
  plot.drawn = drawn;
  const { data: traces, layout } = JSON.parse(data.figure);
  const themed = { ...layout, height: data.height, autosize: true, uirevision: "kept", template };
  // the same object each time: with another config, Plotly would tear the plot down and build it anew
  config ??= {
    responsive: true,
    displaylogo: false,
    modeBarButtons: [[download(Plotly, "png", "camera"), download(Plotly, "svg", "disk")]],
  };
  return Plotly.react(plot, traces, themed, config);
}

function download(Plotly, format, icon) {
  const scale = format === "png" ? 2 : 1;
  return {
    name: `Download ${format.toUpperCase()}`,
    icon: Plotly.Icons[icon],
    click: (plot) => Plotly.downloadImage(plot, { format, scale, filename: plot.dataset.name }),
  };
}

// Streamlit's theme as Plotly's template: what a figure sets itself goes before it.
function theme(plot) {
  const style = getComputedStyle(plot);
  const read = (name) => style.getPropertyValue(`--st-${name}`).trim();
  const text = read("text-color");
  const line = read("border-color-light") || read("border-color");
  const axis = {
    gridcolor: line,
    zerolinecolor: line,
    ticklabelstandoff: 8,
    tickfont: { size: 12 },
    title: { font: { size: 13 } },
  };
  return {
    layout: {
      font: { family: read("font"), color: text, size: 12 },
      title: { font: { family: read("heading-font"), color: read("heading-color") || text, weight: 600 } },
      paper_bgcolor: "rgba(0,0,0,0)",
      plot_bgcolor: "rgba(0,0,0,0)",
      colorway: read("chart-categorical-colors").split(","),
      hoverlabel: { bgcolor: read("secondary-background-color"), font: { color: text, family: read("font") } },
      modebar: { bgcolor: "rgba(0,0,0,0)", color: text, activecolor: read("primary-color") },
      xaxis: axis,
      yaxis: axis,
    },
  };
}
