/**
 * A cart that is driven by signals: the first thing that somebody puts in starts it, and it keeps itself. Who forgets it
 * gets a letter, then another; then it is cleared.
 *
 * `npx tsx examples/cart/main.ts` takes three days and a moment: its clock is moved by hand.
 */
import { z } from 'zod'
import { activity, memory, openLoom, silentLogger, workflow, type Logger, type StartedHandle } from '../../src/index.js' // 'shardloom'
import { VirtualClock } from '../../src/testing/index.js' // 'shardloom/testing'

const clock = new VirtualClock()
const logger: Logger = {
  ...silentLogger,
  info: (_, message) => console.log(`${new Date(clock.nowMs()).toUTCString().slice(0, 22)}  ${message}`),
}

// docs: begin
const Item = z.object({ name: z.string(), cents: z.number().int() })
type Item = z.infer<typeof Item>

const sendLetter = activity({ name: 'sendLetter', input: z.string() }, (customer, { log }) => {
  log.info({}, `to ${customer}: your cart is waiting`)
})

const placeOrder = activity(
  { name: 'placeOrder', input: z.object({ items: z.array(Item), address: z.string() }), output: z.string() },
  ({ items, address }) => {
    // The shop's database would be written here.
    const cents = items.reduce((sum, item) => sum + item.cents, 0)
    return `${items.map(({ name }) => name).join(', ')} to ${address}, ${(cents / 100).toFixed(2)} €`
  },
)

const cart = workflow(
  {
    name: 'cart',
    input: z.string(),
    output: z.string(),
    signals: { add: Item, remove: z.string(), checkOut: z.object({ address: z.string() }) },
  },
  async (ctx, customer) => {
    const items = new Map<string, Item>()
    let address: string | undefined
    let isTouched = false
    ctx.onSignal('add', (item) => {
      items.set(item.name, item)
      isTouched = true
    })
    ctx.onSignal('remove', (name) => {
      items.delete(name)
      isTouched = true
    })
    ctx.onSignal('checkOut', (to) => {
      address = to.address
      isTouched = true
    })

    let letters = 0
    while (address === undefined) {
      if (await ctx.condition(() => isTouched, '1 day')) {
        isTouched = false
        letters = 0
      } else if (letters === 2) {
        return 'cleared'
      } else {
        await ctx.run(sendLetter, customer)
        letters++
      }
    }
    return ctx.run(placeOrder, { items: [...items.values()], address })
  },
)

/** All that the shop's web page calls: whether there is a cart already does not matter to it. */
function add(customer: string, item: Item): Promise<StartedHandle<typeof cart>> {
  return loom.signalWithStart(cart, {
    workflowId: `cart-of-${customer}`,
    input: customer,
    signal: 'add',
    payload: item,
  })
}
// docs: end

const definitions = [cart, sendLetter, placeOrder]
const loom = await openLoom({ medium: memory(), shardCount: 4, definitions, clock, logger })

const ada = await add('ada', { name: 'lamp', cents: 4900 })
await clock.advance('5 h')
await add('ada', { name: 'chair', cents: 7950 })
await ada.signal('remove', 'lamp')
await clock.advance('1 h')
const bob = await add('bob', { name: 'desk', cents: 19900 })
await clock.advance('30 h')
await ada.signal('checkOut', { address: 'Lovelace Street 1' })
logger.info({}, `ada: ${await ada.result()}`)
await clock.advance('2 days')
logger.info({}, `bob: ${await bob.result()}`)

await loom.close()
