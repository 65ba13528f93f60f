using System.Collections.Concurrent;
using System.Net.Sockets;

namespace OrleansEdge.Relay.Origins;

/// <summary>Idle connections to origins that HTTP requests may use again. Bounded; thread safe.</summary>
internal sealed class OriginHttpPool : IDisposable
{
    /// <summary>How long a connection may be idle.</summary>
    public static readonly TimeSpan IdleTimeout = TimeSpan.FromSeconds(30);

    // Short enough that a name that moves to another address is followed.
    private static readonly TimeSpan Lifetime = TimeSpan.FromMinutes(5);
    private static readonly TimeSpan SweepEvery = TimeSpan.FromSeconds(10);
    private const int MostIdlePerOrigin = 64;

    private readonly ConcurrentDictionary<OriginTarget, ConcurrentStack<PooledConnection>> _idle = new();
    private readonly TimeProvider _time;
    private readonly ITimer _sweep;

    public OriginHttpPool(TimeProvider time)
    {
        _time = time;
        _sweep = time.CreateTimer(static pool => ((OriginHttpPool)pool!).Sweep(), this, SweepEvery, SweepEvery);
    }

    /// <summary>The connection that was used last and is still open; <see langword="null"/>: none.</summary>
    public PooledConnection? Take(OriginTarget target)
    {
        while (_idle.TryGetValue(target, out var stack) && stack.TryPop(out var pooled))
        {
            if (!IsOver(pooled) && pooled.IsQuiet)
            {
                return pooled;
            }
            pooled.Connection.Dispose();
        }
        return null;
    }

    /// <summary>Takes charge of a connection just dialled.</summary>
    public PooledConnection Adopt(OriginConnection connection) => new(connection, _time.GetTimestamp());

    /// <summary>Keeps a connection on which nothing is under way.</summary>
    public void Return(PooledConnection pooled)
    {
        pooled.IdleSince = _time.GetTimestamp();
        var stack = _idle.GetOrAdd(pooled.Connection.Target, static _ => new());
        if (stack.Count >= MostIdlePerOrigin)
        {
            pooled.Connection.Dispose();
            return;
        }
        stack.Push(pooled);
    }

    /// <summary>Closes all that is idle.</summary>
    public void Dispose()
    {
        _sweep.Dispose();
        foreach (var stack in _idle.Values)
        {
            CloseAll(stack);
        }
    }

    private void Sweep()
    {
        foreach (var (target, stack) in _idle)
        {
            var kept = new List<PooledConnection>();
            while (stack.TryPop(out var pooled))
            {
                if (IsOver(pooled) || !pooled.IsQuiet)
                {
                    pooled.Connection.Dispose();
                }
                else
                {
                    kept.Add(pooled);
                }
            }
            if (kept.Count == 0)
            {
                _idle.TryRemove(new(target, stack));
                // Whoever found the stack just before may have pushed onto it since.
                CloseAll(stack);
                continue;
            }
            kept.Reverse();
            stack.PushRange([.. kept]);
        }
    }

    private bool IsOver(PooledConnection pooled)
        => _time.GetElapsedTime(pooled.IdleSince) >= IdleTimeout || _time.GetElapsedTime(pooled.OpenedAt) >= Lifetime;

    private static void CloseAll(ConcurrentStack<PooledConnection> stack)
    {
        while (stack.TryPop(out var pooled))
        {
            pooled.Connection.Dispose();
        }
    }
}

/// <summary>A connection of the pool.</summary>
internal sealed class PooledConnection(OriginConnection connection, long openedAt)
{
    public OriginConnection Connection => connection;

    public long OpenedAt => openedAt;

    public long IdleSince { get; set; }

    /// <summary>Whether the origin has neither closed the connection nor sent what nobody asked for.</summary>
    public bool IsQuiet => !connection.Socket.Poll(0, SelectMode.SelectRead);
}
