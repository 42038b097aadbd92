"""No-op jobs for huey: `huey_peer.py JOBS` asks for them, `huey_consumer huey_peer.huey` runs them."""
import os
import sys

from huey import RedisHuey

huey = RedisHuey("peer", url=os.environ["PEER_REDIS_URL"], results=False)


@huey.task()
def noop(number):
    pass


if __name__ == "__main__":
    # A task is known by its module, which is another one for the program that is run.
    import huey_peer

    for number in range(int(sys.argv[1])):
        huey_peer.noop(number)
