/** `tracker.js`: with web vitals. */
import { boot } from '../core';
import { vitals } from '../vitals';

boot(vitals);
