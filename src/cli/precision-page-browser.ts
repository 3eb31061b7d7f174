// The script of the page, in the browser: draws the plots of a card when it comes into view, and again when another way is
// chosen, the window changes its width, or the system turns light or dark. Data become text, never HTML.

import type Plot from "uplot";
import type { ChannelPlots, FieldPlots, PageData } from "./precision-page-data.js";
import { drawChannel } from "./precision-page-draw.js";

interface Card {
  element: HTMLElement;
  field: FieldPlots;
  channel: ChannelPlots;
  way: HTMLSelectElement | null;
  drawn: Plot[];
  width: number;
}

function start(): void {
  const page = JSON.parse(document.getElementById("page-data")!.textContent!) as PageData;
  const cards = new Map<Element, Card>();
  const seen = new IntersectionObserver(
    (entries) => {
      for (const { isIntersecting, target } of entries) {
        const card = cards.get(target)!;
        if (isIntersecting && card.drawn.length === 0) draw(card);
      }
    },
    { rootMargin: "300px" },
  );
  const sized = new ResizeObserver((entries) => {
    for (const { target } of entries) {
      const card = cards.get(target)!;
      if (card.drawn.length > 0 && card.width !== widthOf(card)) draw(card);
    }
  });
  const redraw = (isMeant: (card: Card) => boolean) => {
    for (const card of cards.values()) if (card.drawn.length > 0 && isMeant(card)) draw(card);
  };

  page.fields.forEach((field, place) => {
    const section = document.getElementById(`field-${place}`)!;
    const way = section.querySelector<HTMLSelectElement>("select.way");
    const add = (element: HTMLElement, channel: ChannelPlots): Card => {
      const card = { element, field, channel, way, drawn: [], width: 0 };
      cards.set(element, card);
      tell(card);
      seen.observe(element);
      sized.observe(element);
      return card;
    };
    section.querySelectorAll<HTMLElement>(".channel").forEach((element, k) => {
      add(element, field.channels[k]!);
    });
    way?.addEventListener("change", () => {
      for (const card of cards.values()) if (card.field === field) tell(card);
      redraw((card) => card.field === field);
    });
    addFurther(section, page.labels, field, add);
  });

  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => redraw(() => true));
  addEventListener("beforeprint", () => {
    for (const card of cards.values()) if (card.drawn.length === 0) draw(card);
  });
}

/** A select box and a card for the channels that have no card of their own. */
function addFurther(
  section: HTMLElement,
  labels: readonly string[],
  field: FieldPlots,
  add: (element: HTMLElement, channel: ChannelPlots) => Card,
): void {
  const select = section.querySelector<HTMLSelectElement>(".further select");
  const first = section.querySelector<HTMLElement>(".channel");
  if (!select || !first) return;
  const own = section.querySelectorAll(".channel").length;
  for (const { channel } of field.channels.slice(own)) {
    select.append(new Option(`channel ${channel}`, String(channel)));
  }
  const element = first.cloneNode(true) as HTMLElement;
  for (const place of element.querySelectorAll(".plot")) place.replaceChildren();
  const card = add(element, field.channels[own]!);
  const show = () => {
    const channel = field.channels[own + Math.max(0, select.selectedIndex)]!;
    card.channel = channel;
    element.dataset.channel = String(channel.channel);
    element.querySelector("h4")!.textContent = `Channel ${channel.channel}`;
    element.querySelectorAll("dd").forEach((figure, k) => {
      figure.textContent = k < labels.length ? channel.figures[k]! : "";
    });
    tell(card);
    if (card.drawn.length > 0) draw(card);
  };
  select.addEventListener("change", show);
  show();
  select.closest(".further")!.after(element);
}

function wayOf({ field, way }: Card): number {
  return way ? Math.max(0, way.selectedIndex) : field.shown;
}

/** Says in words what the chosen way does to the channel. */
function tell(card: Card): void {
  const { element, field, channel, way } = card;
  element.querySelector(".note")!.textContent = channel.note;
  if (!way) return;
  const place = wayOf(card);
  const loss = channel.losses[place] ?? "cannot be stored so";
  element.querySelector(".loss")!.textContent = `As ${field.ways[place]}: ${loss}.`;
}

function widthOf({ element }: Card): number {
  return element.querySelector(".plots")!.clientWidth;
}

function draw(card: Card): void {
  for (const plot of card.drawn) plot.destroy();
  card.width = widthOf(card);
  const place = wayOf(card);
  card.drawn = drawChannel(card.element, card.channel, place, card.field.ways[place] ?? "as it is");
}

start();
