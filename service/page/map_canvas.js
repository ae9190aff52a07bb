// A canvas of many points to pan and zoom, with the names of those that stand first.

const MOST_LABELS = 45;
const MOST_CIRCLES = 2500;
const LABEL_HEIGHT = 16;
const LABEL_WIDTH = 230;

/**
 * Draw points and let them be moved about.
 *
 * `points` has `x` and `y` in 0..1, `names` and `colours` (indices into `palette()`), the best known first. `said.over(at)`
 * hears which point is under the pointer (or -1), `said.chosen(at)` which was clicked, `said.moved()` that the view changed.
 */
export function pointsOnCanvas(canvas, points, palette, said) {
  const context = canvas.getContext("2d");
  const n = points.x.length;
  // What is shown: the centre in 0..1 and how many pixels the whole takes.
  const view = { x: 0.5, y: 0.5, scale: 1 };
  let width = 0;
  let height = 0;
  let marked = -1;
  let lit = null;
  let isAsked = false;
  const labels = new Map();

  function draw() {
    isAsked = false;
    const started = performance.now();
    const ratio = Math.min(2, devicePixelRatio || 1);
    context.setTransform(ratio, 0, 0, ratio, 0, 0);
    context.clearRect(0, 0, width, height);
    const { colours, faint, ink, paper } = palette();
    const zoom = view.scale / Math.min(width, height);
    const radius = Math.min(7, 1.1 * zoom ** 0.45);
    const within = visible();
    // Faint ones first, so that those that are lit lie above them.
    if (lit) within.sort((one, other) => lit(one) - lit(other) || other - one);
    else within.reverse();
    const colourAt = (at) => (lit && !lit(at) ? faint : colours[points.colours[at]]);
    if (within.length > MOST_CIRCLES) stampPoints(within, colourAt, radius * ratio, ratio);
    else drawCircles(within, colourAt, radius);
    within.sort((one, other) => one - other);
    drawLabels(within, radius, ink, paper);
    if (marked >= 0) {
      context.strokeStyle = ink;
      context.lineWidth = 2;
      context.beginPath();
      context.arc(left(marked), top(marked), radius * sizeOf(marked) + 4, 0, 7);
      context.stroke();
    }
    canvas.dataset.frameMs = (performance.now() - started).toFixed(2);
  }

  const left = (at) => (points.x[at] - view.x) * view.scale + width / 2;
  const top = (at) => (points.y[at] - view.y) * view.scale + height / 2;
  const sizeOf = (at) => (at < 150 ? 2.4 : at < 1000 ? 1.6 : 1);

  function visible() {
    const within = [];
    const [right, bottom] = [width + 8, height + 8];
    for (let at = 0; at < n; at += 1) {
      const x = left(at);
      if (x < -8 || x > right) continue;
      const y = top(at);
      if (y >= -8 && y <= bottom) within.push(at);
    }
    return within;
  }

  /** Set the pixels of small squares: as canvas operations, thousands of points take several times as long. */
  function stampPoints(members, colourAt, radius, ratio) {
    const picture = context.createImageData(canvas.width, canvas.height);
    const pixels = new Uint32Array(picture.data.buffer);
    for (const at of members) {
      const size = Math.max(1, Math.round(radius * sizeOf(at)));
      const x0 = Math.round(left(at) * ratio) - size;
      const y0 = Math.round(top(at) * ratio) - size;
      const colour = colourAt(at).word;
      const corner = size > 2 ? 1 : 0;
      for (let y = Math.max(0, y0); y < Math.min(canvas.height, y0 + 2 * size); y += 1) {
        const cut = corner && (y === y0 || y === y0 + 2 * size - 1) ? 1 : 0;
        const row = y * canvas.width;
        pixels.fill(colour, row + Math.max(0, x0 + cut), row + Math.max(0, Math.min(canvas.width, x0 + 2 * size - cut)));
      }
    }
    context.putImageData(picture, 0, 0);
  }

  function drawCircles(members, colourAt, radius) {
    for (const at of members) {
      context.fillStyle = colourAt(at).css;
      context.beginPath();
      context.arc(left(at), top(at), radius * sizeOf(at), 0, 6.2832);
      context.fill();
    }
  }

  /** Write the names of the best known that are in view, none over another. */
  function drawLabels(within, radius, ink, paper) {
    const taken = [];
    const candidates = marked >= 0 ? [marked, ...within] : within;
    for (const at of candidates) {
      if (taken.length >= MOST_LABELS) break;
      if (lit && !lit(at) && at !== marked) continue;
      const box = { x: left(at) + radius * sizeOf(at) + 3, y: top(at) - LABEL_HEIGHT / 2, width: 6.6 * Math.min(32, points.names[at].length) };
      const meets = taken.some((one) => box.x < one.x + one.width + 6 && one.x < box.x + box.width + 6 && Math.abs(box.y - one.y) < LABEL_HEIGHT);
      if (meets || box.x + box.width > width) continue;
      taken.push(box);
      context.drawImage(labelOf(at, ink, paper), box.x, box.y, LABEL_WIDTH, LABEL_HEIGHT);
    }
  }

  /** A name as a picture: writing it anew in every frame would take longer than all points. */
  function labelOf(at, ink, paper) {
    if (labels.ink !== ink || labels.size > 2000) {
      labels.clear();
      labels.ink = ink;
    }
    if (!labels.has(at)) {
      const name = points.names[at].length > 32 ? `${points.names[at].slice(0, 30)}…` : points.names[at];
      const picture = new OffscreenCanvas(2 * LABEL_WIDTH, 2 * LABEL_HEIGHT);
      const pen = picture.getContext("2d");
      pen.scale(2, 2);
      Object.assign(pen, { font: "12px system-ui, sans-serif", lineWidth: 3, lineJoin: "round", strokeStyle: paper, fillStyle: ink });
      pen.strokeText(name, 2, 12);
      pen.fillText(name, 2, 12);
      labels.set(at, picture);
    }
    return labels.get(at);
  }

  function ask() {
    if (isAsked) return;
    isAsked = true;
    requestAnimationFrame(draw);
  }

  function moved() {
    const least = Math.min(width, height) * 0.8;
    view.scale = Math.max(least, Math.min(view.scale, least * 120));
    view.x = Math.max(0, Math.min(1, view.x));
    view.y = Math.max(0, Math.min(1, view.y));
    ask();
    said.moved();
  }

  function zoomAt(x, y, factor) {
    const before = view.scale;
    const least = Math.min(width, height) * 0.8;
    view.scale = Math.max(least, Math.min(view.scale * factor, least * 120));
    // What is under the pointer stays there.
    view.x += (x - width / 2) * (1 / before - 1 / view.scale);
    view.y += (y - height / 2) * (1 / before - 1 / view.scale);
    moved();
  }

  function pointAt(x, y) {
    let best = -1;
    let nearest = 14 * 14;
    for (let at = 0; at < n; at += 1) {
      const distance = (left(at) - x) ** 2 + (top(at) - y) ** 2;
      if (distance < nearest && (!lit || lit(at))) [best, nearest] = [at, distance];
    }
    return best;
  }

  const resized = new ResizeObserver(() => {
    const box = canvas.getBoundingClientRect();
    if (!box.width) return;
    const grown = width ? Math.min(box.width, box.height) / Math.min(width, height) : 0;
    [width, height] = [box.width, box.height];
    const ratio = Math.min(2, devicePixelRatio || 1);
    canvas.width = width * ratio;
    canvas.height = height * ratio;
    view.scale = grown ? view.scale * grown : Math.min(width, height) * 1.08;
    moved();
  });
  resized.observe(canvas);

  const held = new Map();
  let travelled = 0;
  canvas.addEventListener("pointerdown", (event) => {
    canvas.setPointerCapture(event.pointerId);
    held.set(event.pointerId, event);
    travelled = 0;
  });
  canvas.addEventListener("pointermove", (event) => {
    const before = held.get(event.pointerId);
    const box = canvas.getBoundingClientRect();
    if (!before) {
      said.over(pointAt(event.clientX - box.x, event.clientY - box.y), event);
      return;
    }
    const [dx, dy] = [event.clientX - before.clientX, event.clientY - before.clientY];
    travelled += Math.abs(dx) + Math.abs(dy);
    const other = [...held].find(([id]) => id !== event.pointerId)?.[1];
    held.set(event.pointerId, event);
    if (other) {
      const apart = (one) => Math.hypot(one.clientX - other.clientX, one.clientY - other.clientY);
      zoomAt((event.clientX + other.clientX) / 2 - box.x, (event.clientY + other.clientY) / 2 - box.y, apart(event) / Math.max(1, apart(before)));
      return;
    }
    view.x -= dx / view.scale;
    view.y -= dy / view.scale;
    moved();
  });
  canvas.addEventListener("pointerup", (event) => {
    if (held.size === 1 && travelled < 6) {
      const box = canvas.getBoundingClientRect();
      const at = pointAt(event.clientX - box.x, event.clientY - box.y);
      if (at >= 0) said.chosen(at);
    }
    held.delete(event.pointerId);
  });
  canvas.addEventListener("pointercancel", (event) => held.delete(event.pointerId));
  canvas.addEventListener("wheel", (event) => {
    event.preventDefault();
    zoomAt(event.offsetX, event.offsetY, Math.exp(-event.deltaY / 400));
  }, { passive: false });
  canvas.addEventListener("keydown", (event) => {
    const step = { ArrowLeft: [-60, 0], ArrowRight: [60, 0], ArrowUp: [0, -60], ArrowDown: [0, 60] }[event.key];
    if (step) {
      view.x += step[0] / view.scale;
      view.y += step[1] / view.scale;
      moved();
    } else if ("+=-".includes(event.key)) zoomAt(width / 2, height / 2, event.key === "-" ? 1 / 1.4 : 1.4);
    else return;
    event.preventDefault();
  });

  return {
    redraw: ask,
    zoom: (factor) => zoomAt(width / 2, height / 2, factor),
    light: (only) => { lit = only; ask(); said.moved(); },
    /** Mark a point, and go there. */
    show(at) {
      marked = at;
      if (at >= 0) {
        view.scale = Math.max(view.scale, Math.min(width, height) * 7);
        [view.x, view.y] = [points.x[at], points.y[at]];
      }
      moved();
    },
    mark(at) { marked = at; ask(); },
    /** The best known points in view. */
    firstInView: (most) => visible().filter((at) => !lit || lit(at)).slice(0, most),
    end: () => resized.disconnect(),
    view,
  };
}
