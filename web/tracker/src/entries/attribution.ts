/** `tracker.attr.js`: with web vitals and what caused them. */
import { boot } from '../core';
import { vitals } from '../vitals-attribution';

boot(vitals);
