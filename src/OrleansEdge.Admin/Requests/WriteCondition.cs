using Microsoft.AspNetCore.Http;
using Microsoft.Net.Http.Headers;
using OrleansEdge.Admin.Answers;
using OrleansEdge.Model;

namespace OrleansEdge.Admin.Requests;

/// <summary>Condition of a change, as the request's <c>If-Match</c> and <c>If-None-Match</c> put it.</summary>
internal sealed class WriteCondition
{
    // A change names one version at most, so a list is tried version by version. They rise: where the document moves on
    // meanwhile it moves towards those that are still to be tried.
    private readonly IReadOnlyList<Precondition> _attempts;

    private WriteCondition(IReadOnlyList<Precondition> attempts) => _attempts = attempts;

    /// <summary>Reads the headers.</summary>
    /// <param name="headers">Of the request.</param>
    /// <param name="creates">Whether the request can create, so that <c>If-None-Match: *</c> makes sense.</param>
    /// <param name="condition">The condition where there is no problem.</param>
    public static Problem? TryRead(IHeaderDictionary headers, bool creates, out WriteCondition condition)
    {
        condition = new WriteCondition([default]);
        var createsOnly = headers.IfNoneMatch.Count > 0;
        if (createsOnly && !(creates && headers.IfNoneMatch.ToString() == "*"))
        {
            return EntityTags.Refuse(HeaderNames.IfNoneMatch, creates ? "can only be * here" : "has no meaning here");
        }

        IReadOnlyList<EntityTagHeaderValue> tags = [];
        if (headers.IfMatch.Count > 0)
        {
            if (!EntityTags.TryRead(headers.IfMatch, out var list) || list.Any(tag => tag.IsWeak))
            {
                return EntityTags.Refuse(HeaderNames.IfMatch, "is not * or a list of strong entity tags, such as \"42\"");
            }

            tags = [.. list];
        }

        condition = new WriteCondition(Attempts(tags, createsOnly));
        return null;
    }

    /// <summary>Makes the change under the condition.</summary>
    public async Task<ControlResult<T>> ApplyAsync<T>(Func<Precondition, Task<ControlResult<T>>> change)
    {
        ControlResult<T> result = default;
        foreach (var attempt in _attempts)
        {
            result = await change(attempt);
            if (result.Failure is not { Kind: ControlFailureKind.PreconditionFailed })
            {
                break;
            }
        }

        return result;
    }

    private static IReadOnlyList<Precondition> Attempts(IReadOnlyList<EntityTagHeaderValue> tags, bool createsOnly) => tags switch
    {
        [] => [new Precondition(IfNoneMatch: createsOnly)],
        [var only] when only.Equals(EntityTagHeaderValue.Any) => [new Precondition(IfNoneMatch: createsOnly, MustExist: true)],
        _ => [.. tags.Select(EntityTags.VersionOf).Distinct().Order().Select(version => new Precondition(version, createsOnly))],
    };
}
