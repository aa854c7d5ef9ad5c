/* Lessons that finished runs answer: their images, and the accuracies as bars; the one asked about waits for the lock. */

/** A bar of the panel as an element; one that is not known yet has a question mark. */
function barOf({ says, share, low, high, n }, known, chosen) {
  const row = document.createElement("div");
  row.className = `found${chosen ? " asked" : ""}`;
  row.innerHTML = '<span class="says"></span><span class="track" aria-hidden="true"><i></i><b></b></span><strong></strong><small></small>';
  const find = (name) => row.querySelector(name);
  find(".says").textContent = says;
  find("strong").textContent = known ? percent(share, 1) : "?";
  find("small").textContent = known ? `95 %: ${percent(low, 1)} to ${percent(high, 1)}, ${n} test images` : "locked until you answer";
  if (known) {
    find("i").style.width = `${100 * share}%`;
    Object.assign(find("b").style, { left: `${100 * low}%`, width: `${100 * (high - low)}%` });
  }
  return row;
}

/** The panel of a stored lesson: before the lock the first accuracy alone, then all of them. */
function showStored(panel, { bars, picture, origin, under, command }, revealed) {
  const find = (name) => panel.querySelector(name), asked = bars.length - 1;
  find("img").hidden = !picture;
  if (picture && find("img").src !== picture) find("img").src = picture;
  const shown = bars.map((bar, i) => [bar, i]).filter(([, i]) => revealed || i === 0 || i === asked);
  if (revealed) shown.sort(([one], [other]) => other.share - one.share);
  find(".accuracies").replaceChildren(...shown.map(([bar, i]) => barOf(bar, revealed || i === 0, i === asked)));
  find(".source").textContent = `${origin}. ${under}.`;
  find("code").textContent = command;
}

/** A bar as a lesson reads a measured number. */
function measuredOf({ share, n }) {
  return { share, count: percent(share, 1).replace(" ", "\u00a0"), n };
}
