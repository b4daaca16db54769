import { type ClockControl, startClockControl } from '../../local/control.ts';

let control: ClockControl;
let asked: number[];

beforeEach(async () => {
  asked = [];
  control = await startClockControl(0, async (hours) => {
    if (hours > 1000) throw new Error('too far');
    asked.push(hours);
    return { nights: 1 };
  });
});

afterEach(() => control.stop());

async function post(body: string, path = '/simulator/clock'): Promise<{ status: number; body: unknown }> {
  const response = await fetch(`${control.url}${path}`, { method: 'POST', body });
  return { status: response.status, body: await response.json() };
}

test('the clock moves by the hours that are asked for', async () => {
  expect(await post('{"advanceHours": 24.5}')).toEqual({ status: 200, body: { nights: 1 } });
  expect(asked).toEqual([24.5]);
});

test.each(['', 'x', '{}', '{"advanceHours": "24"}', '[24]'])(
  'what is no number of hours is refused with an example, and nothing ends: %s',
  async (body) => {
    expect(await post(body)).toEqual({
      status: 400,
      body: { message: 'send JSON such as {"advanceHours": 24}' },
    });
    expect(asked).toEqual([]);
    expect(await post('{"advanceHours": 1}')).toMatchObject({ status: 200 });
  },
);

test.each([
  ['-1', 'advanceHours: expected at least 0'],
  ['9600.5', 'advanceHours: expected at most 9600, which is 400 days'],
  ['1e999', 'advanceHours: expected at most 9600, which is 400 days'],
])('no clock goes back, or further than anything counts: %s', async (hours, message) => {
  expect(await post(`{"advanceHours": ${hours}}`)).toEqual({ status: 400, body: { message } });
  expect(asked).toEqual([]);
});

test('a clock that cannot move says why', async () => {
  expect(await post('{"advanceHours": 2000}')).toEqual({ status: 500, body: { message: 'Error: too far' } });
});

test('nothing else is answered there', async () => {
  expect(await post('{}', '/crm')).toMatchObject({ status: 404 });
});
