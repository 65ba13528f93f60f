namespace OrleansEdge.Relay.Sessions;

/// <summary>Things that happen to a session once.</summary>
[Flags]
internal enum Signals
{
    None = 0,

    /// <summary>The cause of the end stands.</summary>
    End = 1,

    /// <summary>The client's Close came.</summary>
    ClientClosed = 2,

    /// <summary>Nothing more comes from the client.</summary>
    ClientGone = 4,

    /// <summary>The origin's Close came.</summary>
    OriginClosed = 8,

    /// <summary>Nothing more comes from the origin.</summary>
    OriginGone = 16,
}

/// <summary>Signals that stay raised, and those who wait for one. Costs one small object per session until it closes. Thread safe.</summary>
internal sealed class SessionSignals
{
    private readonly Lock _gate = new();
    private readonly List<(Signals Any, TaskCompletionSource Done)> _waiters = new(1);
    private Signals _raised;

    public bool IsRaised(Signals any) => (_raised & any) != Signals.None;

    public void Raise(Signals signals)
    {
        lock (_gate)
        {
            _raised |= signals;
            for (var i = _waiters.Count - 1; i >= 0; i--)
            {
                if ((_waiters[i].Any & _raised) != Signals.None)
                {
                    _waiters[i].Done.TrySetResult();
                    _waiters.RemoveAt(i);
                }
            }
        }
    }

    /// <summary>Completes when one of the signals is raised.</summary>
    public Task WaitAsync(Signals any)
    {
        lock (_gate)
        {
            if (IsRaised(any))
            {
                return Task.CompletedTask;
            }

            var done = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            _waiters.Add((any, done));
            return done.Task;
        }
    }
}

internal static class TimeLimits
{
    /// <summary>Waits for a task, but no longer than a limit.</summary>
    /// <returns>Whether the task completed.</returns>
    public static async ValueTask<bool> WithinAsync(this Task task, TimeSpan limit, TimeProvider time)
    {
        if (!task.IsCompleted)
        {
            await task.WaitAsync(limit, time).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }

        return task.IsCompleted;
    }
}
