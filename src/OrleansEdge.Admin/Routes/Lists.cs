using Microsoft.AspNetCore.Http;
using OrleansEdge.Admin.Answers;
using OrleansEdge.Admin.Requests;
using OrleansEdge.Model;

namespace OrleansEdge.Admin.Routes;

/// <summary>Every list is read and answered in this one way.</summary>
internal static class Lists
{
    public static async Task<IResult> AnswerAsync<T>(HttpContext context, Func<PageRequest, CancellationToken, Task<ControlResult<Page<T>>>> read)
        => Query.TryReadPage(context.Request.Query, out var page) ?? JsonAnswer.Of(await read(page, context.RequestAborted));
}
