"""No-op jobs for RQ: `rq_peer.py JOBS` asks for them, `rq worker` runs them."""
import os
import sys

from redis import Redis
from rq import Queue


def noop(number):
    pass


if __name__ == "__main__":
    queue = Queue(connection=Redis.from_url(os.environ["PEER_REDIS_URL"]))
    jobs = int(sys.argv[1])
    for start in range(0, jobs, 1000):
        batch = [
            Queue.prepare_data("rq_peer.noop", (number,), result_ttl=0)
            for number in range(start, min(start + 1000, jobs))
        ]
        queue.enqueue_many(batch)
