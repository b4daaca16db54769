import { stateOf } from '../../local/system-state.ts';

const url = (path: string): string => `http://sqs/${path.replace('/', '-')}`;

test('queues are called as the outputs of a stack call them, each with its dead letters', () => {
  const paths = [
    'Scorer/Events',
    'Scorer/EventsDeadLetters',
    'Nightly/Work',
    'Nightly/WorkDeadLetters',
    'Nightly/DeadLetters', // Of the schedule: nobody reads a queue beside it.
  ];

  const { queues } = stateOf(
    {
      ingestUrl: '',
      dynamoDbUrl: '',
      sqsUrl: '',
      secretsUrl: '',
      tableName: '',
      queueUrls: Object.fromEntries(paths.map((path) => [path, url(path)])),
      environmentOf: () => ({}),
      now: () => 0,
    },
    { portalId: '1', hubspotUrl: '', clientSecret: '', accessToken: '', timeZone: 'UTC', model: '' },
  );

  expect(queues).toEqual({
    Events: { url: url('Scorer/Events'), deadLettersUrl: url('Scorer/EventsDeadLetters') },
    Nightly: { url: url('Nightly/Work'), deadLettersUrl: url('Nightly/WorkDeadLetters') },
  });
});
