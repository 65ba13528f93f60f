using System.Collections.Concurrent;
using System.IO.Pipelines;
using System.Net;
using System.Net.Sockets;
using System.Text;
using OrleansEdge.Cluster.Tests.Mesh;

namespace OrleansEdge.Cluster.Tests.Processes;

/// <summary>A proxy between a silo and Redis that can stop everything at one step: just before a write, or when Redis has made it and the
/// silo has not heard of it.</summary>
public sealed class RedisSteps : IAsyncDisposable
{
    private readonly RedisServer _redis;
    private readonly TcpListener _listener = new(IPAddress.Loopback, 0);
    private readonly ConcurrentDictionary<Link, bool> _links = new();
    private readonly ConcurrentQueue<string> _passed = new();
    private readonly CancellationTokenSource _over = new();
    private readonly Lock _gate = new();
    private readonly Task _accepting;
    private Plan? _plan;
    private volatile bool _isStopped;
    private volatile bool _isCut;

    private RedisSteps(RedisServer redis)
    {
        _redis = redis;
        _listener.Start();
        _accepting = AcceptAsync();
    }

    /// <summary>How to connect to it.</summary>
    public string Address => $"127.0.0.1:{((IPEndPoint)_listener.LocalEndpoint).Port}";

    /// <summary>The steps that were counted since <see cref="StopAtAsync"/>, also the one where it stopped.</summary>
    public IReadOnlyList<string> Counted => [.. _passed];

    /// <summary>Starts one that lets everything pass.</summary>
    public static RedisSteps Start(RedisServer redis) => new(redis);

    /// <summary>Counts the writes that name a thing from now on, and stops at one of them: nothing goes either way any more.</summary>
    /// <param name="thing">The name, in any of the strings of a command.</param>
    /// <param name="step">Which of them, from 1.</param>
    /// <param name="isMade">Whether Redis still makes that write.</param>
    /// <returns>Ends when it has stopped.</returns>
    public Task StopAtAsync(string thing, int step, bool isMade)
    {
        var plan = new Plan(thing, step, isMade);
        lock (_gate)
        {
            _passed.Clear();
            _plan = plan;
        }

        return plan.Stopped.Task;
    }

    /// <summary>Stops nowhere from now on.</summary>
    public void StopNowhere()
    {
        lock (_gate)
        {
            _plan = null;
        }
    }

    /// <summary>Breaks all connections of the silo and lets it make no other.</summary>
    public void Cut()
    {
        _isCut = true;
        foreach (var link in _links.Keys)
        {
            link.Dispose();
        }
    }

    /// <summary>Lets everything pass that comes over connections made from now on.</summary>
    public void Open()
    {
        Cut();
        StopNowhere();
        (_isStopped, _isCut) = (false, false);
    }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        await _over.CancelAsync();
        await _accepting;
        _listener.Dispose();
        Cut();
        _over.Dispose();
    }

    private async Task AcceptAsync()
    {
        try
        {
            while (true)
            {
                var silo = await _listener.AcceptTcpClientAsync(_over.Token);
                silo.NoDelay = true;
                _ = PassAsync(silo);
            }
        }
        catch (OperationCanceledException)
        {
            // It is disposed of.
        }
    }

    private async Task PassAsync(TcpClient silo)
    {
        using var link = new Link(silo);
        _links[link] = true;
        try
        {
            if (!_isCut)
            {
                await link.Redis.ConnectAsync(IPAddress.Loopback, _redis.Port);
                await Task.WhenAny(PassRequestsAsync(link), PassRepliesAsync(link));
            }
        }
        catch (Exception gone) when (gone is SocketException or ObjectDisposedException)
        {
            // Redis is not there, or the link was cut meanwhile.
        }

        _links.TryRemove(link, out _);
    }

    private async Task PassRequestsAsync(Link link)
    {
        var reader = PipeReader.Create(link.Silo.GetStream());
        var redis = link.Redis.GetStream();
        while (true)
        {
            var read = await reader.ReadAsync();
            var rest = read.Buffer;
            while (RespRequest.Take(ref rest) is { } request)
            {
                if (StopsAt(request) is { } plan)
                {
                    await StopAsync(link, request, plan);
                }
                else if (!_isStopped)
                {
                    await redis.WriteAsync(request.Bytes);
                }
            }

            reader.AdvanceTo(rest.Start, rest.End);
            if (read.IsCompleted)
            {
                return;
            }
        }
    }

    private async Task PassRepliesAsync(Link link)
    {
        var buffer = new byte[16 * 1024];
        var (silo, redis) = (link.Silo.GetStream(), link.Redis.GetStream());
        while (await redis.ReadAsync(buffer) is > 0 and var count)
        {
            if (_isStopped)
            {
                link.NoteHeld(buffer.AsSpan(0, count));
            }
            else
            {
                await silo.WriteAsync(buffer.AsMemory(0, count));
            }
        }
    }

    private Plan? StopsAt(RespRequest request)
    {
        lock (_gate)
        {
            if (_plan is not { } plan || _isStopped || !request.IsWrite || !request.Names(plan.Thing))
            {
                return null;
            }

            _passed.Enqueue(request.ToString());
            _isStopped = _passed.Count == plan.Step;
            return _isStopped ? plan : null;
        }
    }

    // Redis answers the commands of a connection in their order, so an echo after the write tells that it is made.
    private static async Task StopAsync(Link link, RespRequest request, Plan plan)
    {
        if (plan.IsMade)
        {
            var redis = link.Redis.GetStream();
            await redis.WriteAsync(request.Bytes);
            await redis.WriteAsync(Encoding.Latin1.GetBytes($"*2\r\n$4\r\nECHO\r\n${Link.Echo.Length}\r\n{Link.Echo}\r\n"));
            await link.Echoed;
        }

        plan.Stopped.SetResult();
    }

    private sealed record Plan(string Thing, int Step, bool IsMade)
    {
        public TaskCompletionSource Stopped { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);
    }

    /// <summary>A connection of the silo and the one to Redis that belongs to it.</summary>
    private sealed class Link(TcpClient silo) : IDisposable
    {
        /// <summary>What no reply ends with by itself.</summary>
        public const string Echo = "9f1d3a5c-the-write-is-made";

        private readonly TaskCompletionSource _echoed = new(TaskCreationOptions.RunContinuationsAsynchronously);
        private readonly StringBuilder _held = new();

        public TcpClient Silo { get; } = silo;

        public TcpClient Redis { get; } = new() { NoDelay = true };

        public Task Echoed => _echoed.Task;

        public void NoteHeld(ReadOnlySpan<byte> replies)
        {
            if (_held.Append(Encoding.Latin1.GetString(replies)).ToString().EndsWith($"{Echo}\r\n", StringComparison.Ordinal))
            {
                _echoed.TrySetResult();
            }
        }

        public void Dispose()
        {
            Silo.Dispose();
            Redis.Dispose();
        }
    }
}
