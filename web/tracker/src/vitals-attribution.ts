/** Core Web Vitals with what caused them. Texts and numbers of the attribution alone: entries are large and circular. */
import { onCLS, onFCP, onINP, onLCP, onTTFB, type MetricWithAttribution } from 'web-vitals/attribution';
import { auto, options } from './events';
import type { Properties } from './types';

export const vitals = () => {
  if (Math.random() >= (options.sampleVitals ?? 1)) return;
  for (const watch of [onCLS, onFCP, onINP, onLCP, onTTFB]) {
    watch(({ name, value, rating, id, navigationType, attribution }: MetricWithAttribution) => {
      const causes: Properties = {};
      for (const [key, cause] of Object.entries(attribution)) {
        if (typeof cause === 'string' || typeof cause === 'number') causes[key] = cause;
      }
      auto('Web Vital', { name, value, rating, id, navigationType, attribution: causes });
    });
  }
};
