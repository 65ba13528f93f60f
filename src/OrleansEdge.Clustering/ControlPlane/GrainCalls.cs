using OrleansEdge.Contracts;
using OrleansEdge.Model;

namespace OrleansEdge.Clustering.ControlPlane;

/// <summary>Calls of grains as the port has them: a cluster that does not answer is a value.</summary>
internal static class GrainCalls
{
    private const int MostAttempts = 3;

    /// <summary>Asks, and asks again where a silo was lost meanwhile.</summary>
    public static async Task<ControlResult<TResult>> ReadAsync<T, TResult>(Func<Task<Reply<T>>> ask, Func<T, TResult> convert, CancellationToken cancellationToken)
    {
        for (var attempt = 1; ; attempt++)
        {
            var result = await ChangeAsync(ask, convert, cancellationToken);
            if (result.Failure is not { Kind: ControlFailureKind.Unavailable } || attempt == MostAttempts)
            {
                return result;
            }
        }
    }

    /// <summary>Asks once: what was not answered may have been done.</summary>
    public static async Task<ControlResult<TResult>> ChangeAsync<T, TResult>(Func<Task<Reply<T>>> ask, Func<T, TResult> convert, CancellationToken cancellationToken)
    {
        try
        {
            return (await ask().WaitAsync(cancellationToken)).To(convert);
        }
        catch (Exception failure) when (failure is not OperationCanceledException || !cancellationToken.IsCancellationRequested)
        {
            return ControlFailures.Unavailable($"The cluster did not answer: {failure.Message}");
        }
    }
}
