/** Core Web Vitals, as web-vitals measures them. */
import { onCLS, onFCP, onINP, onLCP, onTTFB, type Metric } from 'web-vitals';
import { auto, options } from './events';

export const vitals = () => {
  if (Math.random() >= (options.sampleVitals ?? 1)) return;
  for (const watch of [onCLS, onFCP, onINP, onLCP, onTTFB]) {
    watch(({ name, value, rating, id, navigationType }: Metric) =>
      auto('Web Vital', { name, value, rating, id, navigationType }),
    );
  }
};
