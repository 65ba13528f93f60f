using StackExchange.Redis;

namespace OrleansEdge.Grains.Storage;

/// <summary>Makes of a Redis that does not answer what callers know: a call that was not answered in time. Exceptions of the Redis client
/// cannot leave the process, and whoever calls a grain need not know where it keeps its state.</summary>
internal sealed class StoreFailureFilter : IIncomingGrainCallFilter
{
    /// <inheritdoc/>
    public async Task Invoke(IIncomingGrainCallContext context)
    {
        try
        {
            await context.Invoke();
        }
        catch (Exception failure) when (failure is RedisException or RedisTimeoutException)
        {
#pragma warning disable MA0054 // With it inside this one could not leave the process either.
            throw new TimeoutException($"The store does not answer: {failure.Message}");
#pragma warning restore MA0054
        }
    }
}
