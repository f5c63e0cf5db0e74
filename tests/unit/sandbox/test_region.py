import asyncio

from yuanlu.sandbox.region import Region


def test_all_lines_of_a_region_end_at_once_after_a_rush_and_come_back():
    async def story() -> list[str]:
        region, seen = Region(), list[str]()
        region.join(lambda: seen.append(f"cut while dark {region.dark}"))
        region.join(lambda: seen.append(f"cut with rush {region.rush.is_set()}"))
        outage = asyncio.create_task(region.fail(0, 0))
        await region.rush.wait()
        seen.append(f"rush while dark {region.dark}")
        await outage
        seen.append(f"over, dark {region.dark}, rush {region.rush.is_set()}")
        return seen

    assert asyncio.run(story()) == [
        "rush while dark False",
        "cut while dark True",
        "cut with rush True",
        "over, dark False, rush False",
    ]
