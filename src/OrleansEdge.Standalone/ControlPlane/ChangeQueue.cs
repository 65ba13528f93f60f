using OrleansEdge.Model;

namespace OrleansEdge.Standalone.ControlPlane;

/// <summary>Lets one change be made at a time, of whatever kind. Thread safe.</summary>
internal sealed class ChangeQueue : IDisposable
{
    private readonly SemaphoreSlim _turn = new(1);

    /// <summary>Makes a change when it is its turn; a failing disk is an answer.</summary>
    public async Task<ControlResult<T>> RunAsync<T>(Func<ControlResult<T>> change, CancellationToken cancellationToken)
    {
        await _turn.WaitAsync(cancellationToken);
        try
        {
            return change();
        }
        catch (Exception failure) when (DurableFile.IsDiskFailure(failure))
        {
            return Failures.Unavailable(failure.Message);
        }
        finally
        {
            _turn.Release();
        }
    }

    /// <summary>Makes a change when it is its turn, blocking the thread until then.</summary>
    public void Run(Action change)
    {
        _turn.Wait();
        try
        {
            change();
        }
        finally
        {
            _turn.Release();
        }
    }

    /// <summary>Lets no change be made any more, after the one under way.</summary>
    public void Dispose()
    {
        _turn.Wait();
        _turn.Dispose();
    }
}
