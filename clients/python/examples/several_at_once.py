"""With asyncio: two sessions in a project work at the same time, while the stream of all tells what happens."""

import asyncio

from zhongshu_harness import AsyncHarness, TurnResult, errors, events


async def asked(harness: AsyncHarness, project_id: str, question: str) -> TurnResult:
    session = await harness.sessions.create(project_id=project_id, filesystem_sandbox="read-only")
    return await session.ask(question, timeout=300)


async def told(harness: AsyncHarness) -> None:
    async for event in harness.stream():
        match event:
            case events.TurnCompleted():
                print(f"{event.thread_id}: {event.status}")
            case events.Reset():
                print("something was missed: read the sessions again")


async def main() -> None:
    async with AsyncHarness() as harness:
        try:
            project = await harness.projects.create("Several at once")
        except errors.DuplicateName as there:
            print(f"the project is there already: {there.body['projectId']}")
            return
        telling = asyncio.create_task(told(harness))
        questions = ("What is in src?", "What is in tests?")
        results = await asyncio.gather(*(asked(harness, project.project_id, it) for it in questions))
        telling.cancel()
        for question, result in zip(questions, results, strict=True):
            print(f"{question} {result.checked().answer}")
        await harness.projects.delete_sessions(project.project_id)
        await harness.projects.delete(project.project_id)


asyncio.run(main())
