namespace OrleansEdge.Testing;

/// <summary>The lines that a process has printed, kept in order, each handed out once to whoever waits for it. Thread safe.</summary>
public sealed class OutputLines
{
    /// <summary>How long a wait lasts where the caller names no deadline: far longer than anything takes that is going to happen.</summary>
    public static readonly TimeSpan DefaultDeadline = TimeSpan.FromSeconds(30);

    private readonly Lock _lock = new();
    private readonly List<(string Line, bool Taken)> _lines = [];
    private TaskCompletionSource _changed = NewSignal();
    private bool _completed;

    /// <summary>All lines so far.</summary>
    public IReadOnlyList<string> Snapshot()
    {
        lock (_lock)
        {
            return _lines.ConvertAll(entry => entry.Line);
        }
    }

    /// <summary>Adds a line and wakes the waiters.</summary>
    public void Add(string line) => Change(() => _lines.Add((line, false)));

    /// <summary>No more lines come: waits that are not satisfied fail at once.</summary>
    public void Complete() => Change(() => _completed = true);

    /// <summary>Takes the first line, past or future, that nobody has taken and for which <paramref name="select"/> gives a value.</summary>
    /// <param name="select">Gives the wanted value of a line, or <see langword="null"/>.</param>
    /// <param name="what">What is waited for, for the message when it does not come.</param>
    /// <param name="deadline">Longest wait; default <see cref="DefaultDeadline"/>.</param>
    /// <exception cref="TimeoutException">It did not come in time, or can no longer come. The message holds the output so far.</exception>
    public async Task<T> TakeAsync<T>(Func<string, T?> select, string what, TimeSpan? deadline = null)
        where T : class
    {
        var limit = deadline ?? DefaultDeadline;
        using var timeout = new CancellationTokenSource(limit);
        var scanned = 0;
        while (true)
        {
            Task changed;
            bool completed;
            lock (_lock)
            {
                if (TryTake(select, ref scanned) is { } value)
                {
                    return value;
                }

                changed = _changed.Task;
                completed = _completed;
            }

            if (completed || !await FirstAsync(changed, timeout.Token))
            {
                var why = completed ? "the output ended" : $"{limit.TotalSeconds:0.#} s passed";
                throw new TimeoutException($"{what} did not come ({why}). Output so far:\n{string.Join('\n', Snapshot().Select(Shorten))}");
            }
        }
    }

    private T? TryTake<T>(Func<string, T?> select, ref int scanned)
        where T : class
    {
        for (; scanned < _lines.Count; scanned++)
        {
            var (line, taken) = _lines[scanned];
            if (!taken && select(line) is { } value)
            {
                _lines[scanned] = (line, true);
                return value;
            }
        }

        return null;
    }

    private void Change(Action change)
    {
        TaskCompletionSource signal;
        lock (_lock)
        {
            change();
            signal = _changed;
            _changed = NewSignal();
        }

        signal.SetResult();
    }

    private static async Task<bool> FirstAsync(Task changed, CancellationToken timeout)
    {
        try
        {
            await changed.WaitAsync(timeout);
            return true;
        }
        catch (OperationCanceledException)
        {
            return false;
        }
    }

    private static string Shorten(string line) => line.Length <= 600 ? line : $"{line.AsSpan(0, 500)}… ({line.Length} characters)";

    private static TaskCompletionSource NewSignal() => new(TaskCreationOptions.RunContinuationsAsynchronously);
}
