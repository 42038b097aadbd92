"""No-op jobs for dramatiq: `dramatiq_peer.py JOBS` asks for them, `dramatiq dramatiq_peer` runs them."""
import os
import sys

import dramatiq
from dramatiq.brokers.redis import RedisBroker

dramatiq.set_broker(RedisBroker(url=os.environ["PEER_REDIS_URL"]))


@dramatiq.actor(max_retries=0)
def noop(number):
    pass


if __name__ == "__main__":
    for number in range(int(sys.argv[1])):
        noop.send(number)
