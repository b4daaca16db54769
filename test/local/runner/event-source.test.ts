import { failedItems } from '../../../local/runner/event-source.ts';

const all = ['a', 'b', 'c'];

// https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-errorhandling.html#services-sqs-batchfailurereporting
test.each([
  { answer: null, failed: [], because: 'a null response is success' },
  { answer: {}, failed: [], because: 'an empty response is success' },
  { answer: { batchItemFailures: null }, failed: [], because: 'a null list is success' },
  { answer: { batchItemFailures: [] }, failed: [], because: 'an empty list is success' },
  { answer: { batchItemFailures: [{ itemIdentifier: 'b' }] }, failed: ['b'], because: 'one is named' },
  { answer: { batchItemFailures: [{ itemIdentifier: '' }] }, failed: all, because: 'an id is empty' },
  { answer: { batchItemFailures: [{ itemIdentifier: null }] }, failed: all, because: 'an id is null' },
  { answer: { batchItemFailures: [{ item: 'b' }] }, failed: all, because: 'the key is misspelt' },
  { answer: { batchItemFailures: [{ itemIdentifier: 'z' }] }, failed: all, because: 'the id is unknown' },
  { answer: 'fine', failed: all, because: 'the response is no object' },
])('takes $failed for failed: $because', ({ answer, failed }) => {
  expect([...failedItems(answer, all)]).toEqual(failed);
});
