using OrleansEdge.Model;

namespace OrleansEdge.Standalone.ControlPlane;

/// <summary>Lets one change be made at a time, of whatever kind, until it is closed. Thread safe.</summary>
internal sealed class ChangeQueue : IDisposable
{
    private readonly SemaphoreSlim _turn = new(1);
    private bool _isClosed;

    /// <summary>Makes a change when it is its turn; a failing disk is an answer, and so is a closed queue.</summary>
    public async Task<ControlResult<T>> RunAsync<T>(Func<ControlResult<T>> change, CancellationToken cancellationToken)
    {
        await _turn.WaitAsync(cancellationToken);
        try
        {
            return _isClosed ? DataFailures.Unavailable("the process ends") : change();
        }
        catch (Exception failure) when (DurableFile.IsDiskFailure(failure))
        {
            return DataFailures.Unavailable(failure.Message);
        }
        finally
        {
            _turn.Release();
        }
    }

    /// <summary>Makes a change when it is its turn, blocking the thread until then; none where the queue is closed.</summary>
    public void Run(Action change)
    {
        _turn.Wait();
        try
        {
            if (!_isClosed)
            {
                change();
            }
        }
        finally
        {
            _turn.Release();
        }
    }

    /// <summary>Waits for the change under way and lets no other be made. Who waits is let through and told so, which is why the
    /// semaphore, which holds nothing of the system, stays.</summary>
    public void Dispose() => Run(() => _isClosed = true);
}
