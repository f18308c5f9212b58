/** Segment's ecommerce events, version 2. The helper of `Product Viewed` is `productViewed`. */
import { commands, send } from './events';
import type { CallOptions, Properties } from './types';

const EVENTS = (
  'Products Searched,Product List Viewed,Product List Filtered,Promotion Viewed,Promotion Clicked,Product Clicked,' +
  'Product Viewed,Product Added,Product Removed,Cart Viewed,Checkout Started,Checkout Step Viewed,' +
  'Checkout Step Completed,Payment Info Entered,Order Updated,Order Completed,Order Refunded,Order Cancelled,' +
  'Coupon Entered,Coupon Applied,Coupon Denied,Coupon Removed,Product Added to Wishlist,' +
  'Product Removed from Wishlist,Wishlist Product Added to Cart,Product Shared,Cart Shared,Product Reviewed'
).split(',');

/** Makes a command of each event; it becomes a call of the tracker too. */
export const commerce = () => {
  for (const event of EVENTS)
    commands[event[0]!.toLowerCase() + event.slice(1).replace(/ (.)/g, (_, first: string) => first.toUpperCase())] = (
      properties?: Properties,
      own?: CallOptions,
    ) => send('track', { event, properties: { ...properties } }, own);
};
