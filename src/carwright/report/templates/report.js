"use strict";
(() => {
  const INK = "#1d2733", MUTED = "#55626f", GRID = "#e6ebef";
  const NARROW = 480, PRINT_WIDTH = 680;
  const axis = {
    automargin: true, gridcolor: GRID, zerolinecolor: "#c3ccd4", linecolor: "#c3ccd4", tickcolor: "#c3ccd4",
    ticks: "outside", ticklen: 4, tickfont: { size: 12 }, title: { font: { size: 12, color: MUTED }, standoff: 6 },
  };
  const base = {
    font: { family: "system-ui, -apple-system, 'Segoe UI', Roboto, 'Noto Sans', 'DejaVu Sans', sans-serif", size: 12, color: INK },
    margin: { l: 8, r: 22, t: 8, b: 8 }, paper_bgcolor: "#fff", plot_bgcolor: "#fff", showlegend: false, autosize: true,
    xaxis: axis, yaxis: axis, hovermode: "closest", dragmode: matchMedia("(pointer: coarse)").matches ? false : "zoom", separators: ". ",
    hoverlabel: { bgcolor: "#fff", bordercolor: "#9aa7b4", font: { size: 12, color: INK }, align: "left" },
  };
  const config = { responsive: false, displayModeBar: false, scrollZoom: false, doubleClick: "reset" };

  const isObject = (value) => value !== null && typeof value === "object" && !Array.isArray(value);
  const merge = (under, over) => {
    const result = { ...under };
    for (const [key, value] of Object.entries(over)) result[key] = isObject(value) && isObject(under[key]) ? merge(under[key], value) : value;
    return result;
  };
  /* A list that stands in the table travels as {"$": [column, start, stop]}. */
  const restore = (value, columns) => {
    if (Array.isArray(value)) return value.map((item) => restore(item, columns));
    if (!isObject(value)) return value;
    if (value.$) return columns[value.$[0]].slice(value.$[1], value.$[2]);
    return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, restore(item, columns)]));
  };
  const data = (figure) => JSON.parse(figure.querySelector("script.data").textContent);
  const plots = (figure) => [...figure.querySelectorAll(".plot")];

  /* Follows the box, not the window, and before the next paint: plotly's own way waits a tenth of a second. */
  const follow = new ResizeObserver((entries) => {
    for (const { target } of entries) {
      if (!document.body.classList.contains("printing") && Math.abs(target.clientWidth - target._fullLayout.width) >= 1) {
        Plotly.relayout(target, { autosize: true });
      }
    }
  });

  const draw = async (figure) => {
    const content = data(figure);
    const boxes = plots(figure);
    for (const [index, panel] of content.panels.entries()) {
      const box = boxes[index];
      try {
        const layout = merge(structuredClone(base), panel.layout); // plotly writes into what it is given
        if (box.clientWidth < NARROW) layout.xaxis = { nticks: 5, ...layout.xaxis };
        await Plotly.newPlot(box, restore(panel.traces, content.values), layout, config);
        box.dataset.state = "drawn";
        follow.observe(box);
      } catch (error) {
        box.dataset.state = "failed";
        box.textContent = `This plot could not be drawn (${error.message}); its numbers are in the table.`;
      }
    }
  };

  const shown = (value) => {
    if (value === null || value === undefined) return "–";
    if (typeof value === "boolean") return value ? "yes" : "no";
    if (typeof value !== "number") return String(value);
    const size = Math.abs(value);
    return size !== 0 && (size >= 1e7 || size < 1e-3) ? value.toExponential(3) : String(value);
  };
  const fillTable = (figure) => {
    const place = figure.querySelector(".tools .scroll");
    if (place.childElementCount) return;
    const content = data(figure);
    const table = document.createElement("table");
    const head = table.createTHead().insertRow();
    for (const heading of content.headings) {
      const cell = document.createElement("th");
      cell.scope = "col";
      cell.textContent = heading;
      head.append(cell);
    }
    const body = table.createTBody();
    for (let row = 0; row < content.values[0].length; row += 1) {
      const line = body.insertRow();
      for (const column of content.values) {
        const cell = line.insertCell();
        cell.textContent = shown(column[row]);
        if (typeof column[row] === "number") cell.className = "n";
      }
    }
    place.append(table);
  };
  const quoted = (value) => {
    const text = value === null || value === undefined ? "" : String(value);
    return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
  };
  const csv = (figure) => {
    const content = data(figure);
    const lines = [content.columns, ...content.values[0].map((_, row) => content.values.map((column) => column[row]))];
    return lines.map((line) => line.map(quoted).join(",")).join("\r\n") + "\r\n";
  };
  const download = (figure) => {
    const link = document.createElement("a");
    link.href = URL.createObjectURL(new Blob([csv(figure)], { type: "text/csv" }));
    link.download = `${document.body.dataset.study}-${figure.id}.csv`;
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 1000);
  };

  const toggle = (figure, button) => {
    const on = button.getAttribute("aria-pressed") !== "true";
    button.setAttribute("aria-pressed", String(on));
    for (const box of plots(figure)) {
      const members = (box.data || []).flatMap((trace, index) => (trace.legendgroup === button.dataset.group ? [index] : []));
      if (members.length) Plotly.restyle(box, { visible: on }, members);
    }
  };

  const figures = [...document.querySelectorAll(".figure")].filter((figure) => figure.querySelector("script.data"));
  for (const figure of figures) {
    figure.querySelector("details").addEventListener("toggle", () => fillTable(figure));
    figure.querySelector(".csv").addEventListener("click", () => download(figure));
    for (const button of figure.querySelectorAll(".legend button")) button.addEventListener("click", () => toggle(figure, button));
  }

  const find = document.getElementById("find");
  if (find) {
    const rows = [...document.querySelectorAll("#parameter-table tbody tr")];
    find.addEventListener("input", () => {
      const words = find.value.toLowerCase().split(/\s+/).filter(Boolean);
      let count = 0;
      for (const row of rows) {
        const text = row.textContent.toLowerCase();
        row.hidden = !words.every((word) => text.includes(word));
        count += row.hidden ? 0 : 1;
      }
      document.getElementById("found").textContent = words.length ? `${count} of ${rows.length}` : "";
    });
  }

  const everyPlot = (change) => document.querySelectorAll('.plot[data-state="drawn"]').forEach(change);
  addEventListener("beforeprint", () => document.body.classList.add("printing"));
  addEventListener("beforeprint", () => everyPlot((box) => {
    const columns = Math.max(1, Math.min(2, box.closest(".panels").childElementCount));
    Plotly.relayout(box, { width: PRINT_WIDTH / columns - 12, autosize: false });
  }));
  addEventListener("afterprint", () => document.body.classList.remove("printing"));
  addEventListener("afterprint", () => everyPlot((box) => Plotly.relayout(box, { width: null, autosize: true })));

  const queue = [...figures];
  const next = async () => {
    const figure = queue.shift();
    if (!figure) {
      document.documentElement.dataset.figures = "drawn";
      return;
    }
    await draw(figure);
    setTimeout(next, 0);
  };
  next();
})();
