using Microsoft.AspNetCore.Http;
using OrleansEdge.Admin.Answers;
using OrleansEdge.Admin.Requests;
using OrleansEdge.Model;

namespace OrleansEdge.Admin.Routes;

/// <summary>Every list is read and answered in this one way.</summary>
internal static class Lists
{
    public static async Task<IResult> AnswerAsync<T>(HttpContext context, Func<PageRequest, CancellationToken, Task<ControlResult<Page<T>>>> read)
        => Query.TryReadPage(context.Request.Query, out var page) ?? Answer(await read(page, context.RequestAborted));

    private static IResult Answer<T>(ControlResult<Page<T>> result)
        => result.Failure is { } failure ? Problem.Of(failure) : new JsonAnswer<Page<T>>(StatusCodes.Status200OK, result.Value);
}
