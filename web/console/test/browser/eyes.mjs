// Looks at a page as it is drawn: is everything within the screen, readable, named, and reached by the keyboard?

/** What is wider than the screen, and does not lie in something that scrolls. */
export const overflowing = (tab) =>
  tab.evaluate(() => {
    const scrolls = (element) => {
      for (let up = element.parentElement; up; up = up.parentElement) {
        if (['auto', 'scroll', 'hidden', 'clip'].includes(getComputedStyle(up).overflowX)) return true;
      }
      return false;
    };
    const width = document.documentElement.clientWidth;
    const wide = [...document.querySelectorAll('body *')].filter((one) => one.getBoundingClientRect().right > width + 1 && !scrolls(one));
    const all = wide.map((one) => `${one.tagName}.${one.className} ${Math.round(one.getBoundingClientRect().right)} > ${width}`);
    return document.documentElement.scrollWidth > width ? [`page ${document.documentElement.scrollWidth} > ${width}`, ...all] : all;
  });

/** Texts whose contrast to what is behind them is below 4.5, or 3 where they are large. */
export const pale = (tab) =>
  tab.evaluate(() => {
    const parsed = (colour) => {
      const [r, g, b, a = 1] = colour.match(/[\d.]+/g).map(Number);
      return [r, g, b, a];
    };
    const over = ([r, g, b, a], below) => [r, g, b].map((part, at) => part * a + below[at] * (1 - a));
    const behind = (element) => {
      const layers = [];
      for (let up = element; up; up = up.parentElement) layers.push(parsed(getComputedStyle(up).backgroundColor));
      return layers.reverse().reduce((below, layer) => over(layer, below), [255, 255, 255]);
    };
    const light = (colour) => {
      const [r, g, b] = colour.map((part) => (part / 255 <= 0.03928 ? part / 255 / 12.92 : ((part / 255 + 0.055) / 1.055) ** 2.4));
      return 0.2126 * r + 0.7152 * g + 0.0722 * b;
    };
    const found = new Set();
    const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
    while (walker.nextNode()) {
      const element = walker.currentNode.parentElement;
      if (!walker.currentNode.data.trim() || !element.checkVisibility() || element.closest('.hidden, option, :disabled, .skip')) continue;
      const style = getComputedStyle(element);
      const ground = behind(element);
      const [a, b] = [light(over(parsed(style.color), ground)), light(ground)].sort((x, y) => y - x);
      const ratio = (a + 0.05) / (b + 0.05);
      const isLarge = parseFloat(style.fontSize) >= 24 || (parseFloat(style.fontSize) >= 18.66 && Number(style.fontWeight) >= 700);
      if (ratio < (isLarge ? 3 : 4.5))
        found.add(`${ratio.toFixed(2)} ${element.tagName}.${element.className}: ${walker.currentNode.data.trim().slice(0, 30)}`);
    }
    return [...found];
  });

/** What a screen reader has no name for, names that stand twice, and headings that jump. */
export const unnamed = (tab) =>
  tab.evaluate(() => {
    const name = (one) =>
      one.getAttribute('aria-label') ||
      (one.getAttribute('aria-labelledby') && document.getElementById(one.getAttribute('aria-labelledby'))?.textContent) ||
      [...(one.labels ?? [])].map((label) => label.textContent).join('') ||
      (['A', 'BUTTON', 'SUMMARY'].includes(one.tagName) && one.textContent) ||
      '';
    const wanted = 'a, button, input, select, summary, dialog, [role=region], [role=img], [role=group], section, nav, main table';
    const bare = [...document.querySelectorAll(wanted)].filter(
      (one) => one.checkVisibility() && one.tagName !== 'TABLE' && !name(one).trim(),
    );
    const ids = [...document.querySelectorAll('[id]')].map(({ id }) => id);
    const twice = ids.filter((id, at) => ids.indexOf(id) !== at);
    const levels = [...document.querySelectorAll('main :is(h1, h2, h3)')].map(({ tagName }) => Number(tagName[1]));
    const jumps = levels.filter((level, at) => at === 0 && level !== 1);
    return [
      ...bare.map((one) => `no name: ${one.outerHTML.slice(0, 120)}`),
      ...twice.map((id) => `twice: ${id}`),
      ...jumps.map((level) => `begins with h${level}`),
      ...(document.documentElement.lang ? [] : ['no language']),
      ...(document.querySelectorAll('main').length === 1 ? [] : ['not one main']),
    ];
  });

/** What the keyboard reaches, in its order, and whether the eye sees where it is. */
export async function reached(tab, steps) {
  const seen = [];
  await tab.evaluate(() => document.activeElement?.blur());
  for (let step = 0; step < steps; step += 1) {
    await tab.keyboard.press('Tab');
    const told = await tab.evaluate(() => {
      const one = document.activeElement;
      const { outlineStyle, outlineWidth } = getComputedStyle(one);
      return {
        text: (one.getAttribute('aria-label') ?? one.textContent).trim().slice(0, 40),
        isSeen: outlineStyle !== 'none' && outlineWidth !== '0px',
      };
    });
    seen.push(told);
  }
  return seen;
}
