"use strict";
// Figures answer to the mouse, methods can be hidden, the table sorts, the movie plays. Without any of this the page
// shows still figures and all its words.
(() => {
  const data = JSON.parse(document.getElementById("report-data").textContent);
  const hidden = new Set();
  const views = new Map();
  const failures = [];

  // Rows of the methods that are shown; data without a method in every row belong to all of them.
  const visible = (rows) =>
    hidden.size && rows.length && rows.every((row) => row && "label" in row)
      ? rows.filter((row) => !hidden.has(row.label))
      : rows;

  function shown(spec) {
    return { ...spec, data: spec.data.map((one) => (one.values ? { ...one, values: visible(one.values) } : one)) };
  }

  // One after the other: of two drawings of a figure at a time the older might end last.
  const drawing = new Map();

  function draw(figure) {
    const id = figure.dataset.figure;
    drawing.set(id, (drawing.get(id) ?? Promise.resolve()).then(() => redraw(figure)));
    return drawing.get(id);
  }

  async function redraw(figure) {
    const id = figure.dataset.figure;
    const place = figure.querySelector(".live");
    try {
      if (views.has(id)) views.get(id).finalize();
      const result = await vegaEmbed(place, shown(data.figures[id]), { actions: false, mode: "vega", renderer: "svg", logLevel: 1 });
      views.set(id, result);
      figure.classList.add("drawn");
    } catch (error) {
      // The still figure stays.
      figure.classList.remove("drawn");
      place.replaceChildren();
      failures.push(`${id}: ${error}`);
      console.error(`figure ${id}: ${error}`);
    }
  }

  // A figure that is too large to be live has no specification.
  const figures = [...document.querySelectorAll("figure.chart[data-figure]")];
  const seen = new IntersectionObserver(
    (entries) => {
      for (const entry of entries) {
        if (!entry.isIntersecting) continue;
        seen.unobserve(entry.target);
        if (!drawing.has(entry.target.dataset.figure)) draw(entry.target);
      }
    },
    { rootMargin: "400px" },
  );
  for (const figure of figures) seen.observe(figure);

  // Methods -----------------------------------------------------------------------------------------------------------

  for (const box of document.querySelectorAll("input.method"))
    box.addEventListener("change", () => {
      if (box.checked) hidden.delete(box.value);
      else hidden.add(box.value);
      for (const row of document.querySelectorAll("#methods tbody tr")) row.hidden = hidden.has(row.dataset.label);
      for (const figure of figures) if (views.has(figure.dataset.figure)) draw(figure);
    });

  // Sorting -----------------------------------------------------------------------------------------------------------

  function compare(one, other) {
    const [a, b] = [Number(one), Number(other)];
    return Number.isNaN(a) || Number.isNaN(b) ? one.localeCompare(other) : a - b;
  }

  for (const table of document.querySelectorAll("table.sortable")) {
    const heads = [...table.querySelectorAll("thead th")];
    heads.forEach((head, column) =>
      head.querySelector("button").addEventListener("click", () => {
        const down = head.getAttribute("aria-sort") === "ascending";
        for (const other of heads) other.removeAttribute("aria-sort");
        head.setAttribute("aria-sort", down ? "descending" : "ascending");
        const body = table.tBodies[0];
        const key = (row) => row.cells[column].dataset.key;
        const rows = [...body.rows].sort((one, other) => {
          // What is missing comes last, whichever way.
          if (key(one) === "" || key(other) === "") return (key(one) === "") - (key(other) === "");
          return (down ? -1 : 1) * compare(key(one), key(other));
        });
        body.append(...rows);
      }),
    );
  }

  // The movie ---------------------------------------------------------------------------------------------------------

  const movie = { frame: 0, frames: 0, playing: false, viewer: null, chart: null, current: null };

  function showFrame(frame) {
    movie.frame = frame;
    document.getElementById("movie-frame").value = frame;
    document.getElementById("movie-time").textContent = `${movie.current.time[frame].toFixed(1)} fs`;
    if (movie.viewer) {
      movie.viewer.setFrame(frame);
      movie.viewer.render();
    }
    if (movie.chart) movie.chart.view.signal("at", frame).runAsync();
  }

  function play(on) {
    movie.playing = on;
    const button = document.getElementById("movie-play");
    button.textContent = on ? data.phrases.pause : data.phrases.play;
    button.setAttribute("aria-pressed", String(on));
    let last = 0;
    function step(now) {
      if (!movie.playing) return;
      if (now - last > 60) {
        last = now;
        showFrame((movie.frame + 1) % movie.frames);
      }
      requestAnimationFrame(step);
    }
    if (on) requestAnimationFrame(step);
  }

  async function showMovie(number) {
    play(false);
    movie.current = data.movies[number];
    movie.frames = movie.current.time.length;
    const slider = document.getElementById("movie-frame");
    slider.max = movie.frames - 1;
    if (movie.viewer) {
      movie.viewer.removeAllModels();
      movie.viewer.addModelsAsFrames(movie.current.xyz, "xyz");
      movie.viewer.setStyle({}, { stick: { radius: 0.13 }, sphere: { scale: 0.23 } });
      movie.viewer.zoomTo();
    }
    if (movie.chart) movie.chart.finalize();
    movie.chart = await vegaEmbed("#movie-tracks", movie.current.chart, { actions: false, mode: "vega", renderer: "svg", logLevel: 1 });
    movie.chart.view.addEventListener("click", (_, item) => {
      if (item && item.datum && "frame" in item.datum) {
        play(false);
        showFrame(item.datum.frame);
      }
    });
    showFrame(0);
  }

  async function startMovie() {
    const view = document.getElementById("movie-view");
    if (!view) return;
    const choice = document.getElementById("movie-choice");
    data.movies.forEach((one, i) => choice.add(new Option(one.title, i)));
    try {
      movie.viewer = $3Dmol.createViewer(view, { backgroundColor: "white", antialias: true });
    } catch {
      movie.viewer = null;
    }
    if (!movie.viewer) view.textContent = data.phrases.no_webgl;
    choice.addEventListener("change", () => showMovie(Number(choice.value)));
    document.getElementById("movie-frame").addEventListener("input", (event) => {
      play(false);
      showFrame(Number(event.target.value));
    });
    document.getElementById("movie-play").addEventListener("click", () => play(!movie.playing));
    await showMovie(0);
  }

  // What tests ask for.
  window.separatrix = {
    ready: startMovie(),
    drawAll: () => Promise.all(figures.map(draw)),
    movie,
    failures,
  };
})();
