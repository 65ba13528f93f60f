using OrleansEdge.Model;

namespace OrleansEdge.Grains.Usage;

/// <summary>A call that waits for the write that answers it.</summary>
internal sealed class UsageCall(IReadOnlyList<UsageReport> reports)
{
    private readonly TaskCompletionSource<IReadOnlyList<UsageReply>> _replies = new(TaskCreationOptions.RunContinuationsAsynchronously);

    public IReadOnlyList<UsageReport> Reports => reports;

    /// <summary>The answer.</summary>
    public Task<IReadOnlyList<UsageReply>> Replies => _replies.Task;

    public void Answer(IReadOnlyList<UsageReply> replies) => _replies.SetResult(replies);

    /// <summary>Nothing is known to be stored; a call without reports, which only asks for upkeep, fails.</summary>
    public void AnswerUnavailable(Exception failure)
    {
        if (reports.Count == 0)
        {
            _replies.SetException(new TimeoutException($"Upkeep failed: {failure.Message}"));
        }
        else
        {
            Answer([.. reports.Select(static _ => UsageReply.Unavailable)]);
        }
    }
}
