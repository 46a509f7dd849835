# SPDX-License-Identifier: Apache-2.0
"""R6: pyarrow and pandas against a running installation: in and out through the bulk doors."""

from __future__ import annotations

import io

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
from running_city import City

from cheoyong.domain.instant import parse_instant

OM = "http://www.opengis.net/def/observationType/OGC-OM/2.0/OM_Measurement"
STREAM, PARQUET = "application/vnd.apache.arrow.stream", "application/vnd.apache.parquet"
START_US = parse_instant("2016-10-05T00:00:00Z")


def new_datastream(city: City, name: str) -> int:
    described = {"name": name, "description": name}
    sensor = {**described, "encodingType": "text/html", "metadata": "none"}
    unit = {"name": "metre", "symbol": "m", "definition": "https://ucum.org"}
    datastream = {
        **described, "observationType": OM, "unitOfMeasurement": unit, "Sensor": sensor,
        "ObservedProperty": {**described, "definition": "urn:level"},
    }  # fmt: skip
    made = city.http.post("/v1.1/Things", json={**described, "Datastreams": [datastream]})
    found = city.http.get(f"/v1.1/Things({made.json()['@iot.id']})/Datastreams").json()["value"]
    number: int = found[0]["@iot.id"]
    return number


def measured(datastream: int, count: int) -> pa.Table:
    times = pa.array(range(START_US, START_US + count * 1_000_000, 1_000_000), pa.int64())
    return pa.table(
        {
            "datastream_id": [datastream] * count,
            "phenomenon_time": times.cast(pa.timestamp("us", "UTC")),
            "result": [n / 8 for n in range(count)],
        }
    )


def test_R6_a_table_goes_in_as_arrow_and_comes_out_as_both_with_stable_pages(city: City) -> None:
    datastream, count = new_datastream(city, "by arrow"), 60_000
    table = measured(datastream, count)
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, table.schema) as writer:
        writer.write_table(table, max_chunksize=20_000)
    body = sink.getvalue().to_pybytes()
    for stored in (count, 0):
        answer = city.http.post("/bulk/observations", content=body, headers={"content-type": STREAM})
        assert answer.status_code == 200, answer.text
        assert (answer.json()["stored"], answer.json()["already_there"]) == (stored, count - stored)
    asked = {"datastream": str(datastream)}
    arrow = city.http.get("/bulk/observations", params=asked)
    whole = pa.ipc.open_stream(arrow.content).read_all()
    assert whole["result"].to_pylist() == table["result"].to_pylist()
    parquet = city.http.get("/bulk/observations", params={**asked, "format": "parquet"})
    assert pq.read_table(io.BytesIO(parquet.content)).equals(whole)
    pages, after = [], {}
    while True:
        page = city.http.get("/bulk/observations", params={**asked, "limit": "25000", **after})
        pages.append(pa.ipc.open_stream(page.content).read_all())
        if "cheoyong-next-after" not in page.headers:
            break
        after = {"after": page.headers["cheoyong-next-after"]}
    assert [len(page) for page in pages] == [25_000, 25_000, 10_000]
    assert pa.concat_tables(pages).equals(whole)


def test_R1_a_data_frame_of_pandas_goes_in_and_comes_out(city: City) -> None:
    datastream = new_datastream(city, "by pandas")
    frame = pd.DataFrame(
        {
            "datastream_id": datastream,
            "phenomenon_time": pd.date_range("2016-10-05", periods=3, freq="10min", tz="Asia/Seoul"),
            "result": [1.5, 1.6, 1.7],
        }
    )
    answer = city.http.post(
        "/bulk/observations", content=frame.to_parquet(), headers={"content-type": PARQUET}
    )
    assert answer.json()["stored"] == 3, answer.text
    asked = {"datastream": str(datastream), "format": "parquet", "columns": "phenomenon_time,result,flag"}
    found = pd.read_parquet(io.BytesIO(city.http.get("/bulk/observations", params=asked).content))
    assert found["result"].tolist() == [1.5, 1.6, 1.7]
    assert (found["phenomenon_time"] == frame["phenomenon_time"]).all()
    assert found["flag"].tolist() == [2, 2, 2]


def test_R6_the_doors_are_described_for_people_and_programs(city: City) -> None:
    doors = city.http.get("/bulk").json()
    described = city.http.get("/api/schema/openapi.json").json()["paths"]["/bulk/observations"]
    assert sorted(described["post"]["requestBody"]["content"]) == sorted(doors["upload"]["media_types"])
    assert {one["name"] for one in described["get"]["parameters"]} == set(doors["download"]["parameters"])
    assert set(described["get"]["responses"]["200"]["content"]) == set(doors["download"]["formats"].values())
