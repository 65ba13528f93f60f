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

    public void AnswerUnavailable() => Answer([.. reports.Select(static _ => UsageReply.Unavailable)]);
}
