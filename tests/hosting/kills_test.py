"""Workers killed at random under load: every request is answered, and nothing is left behind. bench/hosting.py does the same a thousand times."""
import os
import random
import unittest

from hosted import BODY, MEMORY_TELLS, SOURCE, HostingTest, descriptors_of, status_bytes, threads_of, until
from storm import Load, kill_workers

ODD = SOURCE / "bindings" / "python" / "tests" / "apps" / "odd" / "app.py"
KILLS = 20
MB = 1 << 20


class Kills(HostingTest):
    def test_every_request_is_answered_and_nothing_leaks(self):
        seed = random.randrange(1 << 30)
        print("seed %d" % seed)
        server = self.serve(ODD, "--workers", "2")
        shared_before = set(os.listdir("/dev/shm"))
        self.assertEqual(kill_workers(server, 2, seed), 2)  # what the first deaths make stay is not what each makes
        self.assert_ok(server.post())
        before = len(descriptors_of(server.pid)), threads_of(server.pid), status_bytes(server.pid, "VmRSS")

        load = Load(server.port, BODY, 4, "/?do=sleep&number=20")
        killed = kill_workers(server, KILLS, seed + 1)
        answered = load.answered()
        self.assertTrue(until(lambda: load.answered() > answered + 4), "nothing works after the last kill")
        counts = load.stop()

        self.assertEqual(killed, KILLS)
        self.assertEqual(load.strange, [], counts)
        self.assertEqual([kind for kind in counts if kind.startswith("lost")], [], counts)
        self.assertTrue(until(lambda: len(server.workers()) <= 2 and not server.zombies()))
        # A worker costs descriptors as long as it lives; the start ones are those of one worker.
        self.assertTrue(until(lambda: len(descriptors_of(server.pid)) <= before[0] + 12), (before[0], descriptors_of(server.pid)))
        self.assertLessEqual(threads_of(server.pid), before[1])
        if MEMORY_TELLS:
            self.assertLess(status_bytes(server.pid, "VmRSS"), before[2] + 8 * MB)
        self.assertEqual({name for name in os.listdir("/dev/shm") if "clams" in name} - shared_before, set())


if __name__ == "__main__":
    unittest.main(verbosity=2)
