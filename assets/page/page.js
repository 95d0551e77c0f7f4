// Puts the newest numbers into the page: each event names places and what stands there from now on.
"use strict";
(() => {
  const { events, ids } = document.body.dataset;
  if (!events || !window.EventSource) return;
  const sign = document.querySelector("[data-live]");
  const places = (name) => [...document.querySelectorAll(`[data-${name}]`)].map((place) => [place.dataset[name], place]);
  const texts = places("text"), bars = places("bar"), states = places("state"), columns = places("column");

  const say = (word, how) => {
    sign.className = `live ${how}`;
    sign.textContent = word;
  };
  const set = (place, name, value) => {
    if (place.getAttribute(name) !== value) place.setAttribute(name, value);
  };
  const show = (news) => {
    if (news.ids !== undefined && news.ids !== ids) return location.reload();
    for (const [key, place] of texts) {
      const text = news.text[key];
      if (text !== undefined && text !== place.textContent) place.textContent = text;
    }
    for (const [key, place] of bars) if (key in news.bar) set(place, "width", String(news.bar[key]));
    for (const [key, place] of states) if (key in news.state) set(place, "class", `pill ${news.state[key]}`);
    for (const [at, place] of columns) {
      const height = news.column[at];
      if (height === undefined) continue;
      set(place, "height", height.toFixed(1));
      set(place, "y", (40 - height).toFixed(1));
    }
  };

  // A stream that is refused is not tried again by the browser: once the page itself answers, that says why.
  const ask = () =>
    fetch(location.href, { method: "GET", cache: "no-store" })
      .then((answer) => (answer.status < 500 ? location.reload() : setTimeout(ask, 5000)))
      .catch(() => setTimeout(ask, 5000));

  const source = new EventSource(events);
  source.addEventListener("open", () => say("live", "on"));
  source.addEventListener("page", (event) => show(JSON.parse(event.data)));
  source.addEventListener("error", () => {
    say("offline", "off");
    if (source.readyState === EventSource.CLOSED) setTimeout(ask, 2000);
  });
})();
