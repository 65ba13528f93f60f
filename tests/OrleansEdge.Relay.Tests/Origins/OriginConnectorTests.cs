using System.Net;
using System.Net.Sockets;
using OrleansEdge.Model;
using OrleansEdge.Relay.Admission;
using OrleansEdge.Relay.Origins;
using OrleansEdge.Testing;
using Xunit;

namespace OrleansEdge.Relay.Tests.Origins;

public sealed class OriginConnectorTests
{
    private readonly ManualTimeProvider _time = new();

    [Fact]
    public async Task OriginListens_ConnectionLeadsThere()
    {
        using var origin = new ScriptedOrigin();
        var result = await ConnectAsync(Given.Connector(), Given.Domain(Given.Origin(origin.Port)));
        using var connection = result.Connection!;
        Assert.Null(result.Refusal);
        Assert.Equal(new IPEndPoint(IPAddress.Loopback, origin.Port), connection.RemoteEndPoint);
        Assert.Equal($"127.0.0.1:{origin.Port}", result.OriginAddress);
        Assert.True(connection.Socket.NoDelay);
        Assert.False(connection.UsesTls);
    }

    [Theory]
    [InlineData("::1")]
    [InlineData("[::1]")]
    public async Task IPv6Literal_IsDialledWithOrWithoutBrackets(string address)
    {
        using var origin = new ScriptedOrigin(IPAddress.IPv6Loopback);
        using var connection = (await ConnectAsync(Given.Connector(), Given.Domain(Given.Origin(origin.Port, address)))).Connection!;
        Assert.Equal(AddressFamily.InterNetworkV6, connection.RemoteEndPoint.AddressFamily);
    }

    [Fact]
    public async Task PortClosed_IsOriginRefused()
    {
        var port = ScriptedOrigin.DeadPort();
        var result = await ConnectAsync(Given.Connector(), Given.Domain(Given.Origin(port)));
        Assert.Same(Refusal.OriginRefused, result.Refusal);
        Assert.Equal("connection refused", result.Reason);
        Assert.Equal($"origin 127.0.0.1:{port}: connection refused", result.Detail);
    }

    [Fact]
    public async Task NameWithoutAddress_IsOriginDns()
    {
        var connector = Given.Connector(lookUp: _ => throw new SocketException((int)SocketError.HostNotFound));
        var result = await ConnectAsync(connector, Given.Domain(Given.Origin(80, "nobody.invalid")));
        Assert.Same(Refusal.OriginDns, result.Refusal);
    }

    [Fact]
    public async Task NameServerSilent_IsOriginConnectTimeoutAfter5Seconds()
    {
        var connector = Given.Connector(_time, lookUp: _ => new TaskCompletionSource<IPAddress[]>().Task);
        var connecting = ConnectAsync(connector, Given.Domain(Given.Origin(80, "slow.example.com")));
        await _time.WhenArmedAsync(TimeSpan.FromSeconds(5));
        _time.Advance(TimeSpan.FromSeconds(4.999));
        Assert.False(connecting.IsCompleted);
        _time.Advance(TimeSpan.FromSeconds(0.001));
        Assert.Same(Refusal.OriginConnectTimeout, (await connecting).Refusal);
    }

    [Fact]
    public async Task OriginDoesNotTakeTheConnection_IsOriginConnectTimeout()
    {
        using var full = new FullBacklog(IPAddress.Loopback);
        var connecting = ConnectAsync(Given.Connector(_time), Given.Domain(Given.Origin(full.Port)));
        await _time.WhenArmedAsync(TimeSpan.FromSeconds(5));
        _time.Advance(TimeSpan.FromSeconds(5));
        Assert.Same(Refusal.OriginConnectTimeout, (await connecting).Refusal);
    }

    [Fact]
    public async Task OriginSilentInTlsHandshake_IsOriginConnectTimeout()
    {
        using var origin = new ScriptedOrigin();
        var connecting = ConnectAsync(Given.Connector(_time), Given.Domain(Https, Given.Origin(origin.Port)));
        using var peer = await origin.AcceptAsync();
        var hello = new byte[1];
        await peer.Stream.ReadExactlyAsync(hello);
        _time.Advance(TimeSpan.FromSeconds(5));
        var result = await connecting;
        Assert.Same(Refusal.OriginConnectTimeout, result.Refusal);
        Assert.Equal("TLS handshake timed out", result.Reason);
    }

    [Fact]
    public async Task ClientLeaves_IsNoFaultOfTheOrigin()
    {
        using var full = new FullBacklog(IPAddress.Loopback);
        using var client = new CancellationTokenSource();
        var connector = Given.Connector();
        var domain = Given.Domain(Given.Origin(full.Port));
        var connecting = connector.ConnectAsync(domain, false, "chat.example.com", client.Token).AsTask();
        await client.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => connecting);
    }

    [Fact]
    public async Task FirstChoiceDown_NextIsTaken()
    {
        using var origin = new ScriptedOrigin();
        var domain = Given.Domain(Given.Origin(ScriptedOrigin.DeadPort(), weight: 1000), Given.Origin(ScriptedOrigin.DeadPort(), weight: 1000), Given.Origin(origin.Port));
        for (var seed = 0; seed < 5; seed++)
        {
            using var connection = (await ConnectAsync(Given.Connector(seed: seed), domain)).Connection;
            Assert.Equal(origin.Port, connection?.RemoteEndPoint.Port);
        }
    }

    [Fact]
    public async Task AllDown_RefusalIsThatOfTheFirstChoice()
    {
        var connector = Given.Connector(lookUp: _ => throw new SocketException((int)SocketError.HostNotFound));
        var domain = Given.Domain(Given.Origin(80, "nobody.invalid", weight: 1000), Given.Origin(ScriptedOrigin.DeadPort()));
        var result = await ConnectAsync(connector, domain);
        Assert.Same(Refusal.OriginDns, result.Refusal);
        Assert.StartsWith("origin nobody.invalid:80: ", result.Detail, StringComparison.Ordinal);
    }

    [Fact]
    public void Weights_DecideHowOftenAnOriginIsFirst()
    {
        var connector = Given.Connector();
        var domain = Given.Domain(Given.Origin(1, weight: 1), Given.Origin(2, weight: 3), Given.Origin(3, weight: 6));
        var firsts = new int[4];
        for (var i = 0; i < 10_000; i++)
        {
            firsts[connector.Order(domain, false, "h")[0].Port]++;
        }
        Assert.InRange(firsts[1], 850, 1150);
        Assert.InRange(firsts[2], 2800, 3200);
        Assert.InRange(firsts[3], 5750, 6250);
    }

    [Fact]
    public void Order_HoldsEveryOriginOnce()
    {
        var connector = Given.Connector();
        var domain = Given.Domain([.. Enumerable.Range(1, 5).Select(port => Given.Origin(port, weight: port))]);
        for (var i = 0; i < 100; i++)
        {
            Assert.Equal([1, 2, 3, 4, 5], connector.Order(domain, false, "h").Select(target => target.Port).Order());
        }
    }

    [Fact]
    public async Task FailedOrigin_IsTriedLastFor10Seconds()
    {
        using var good = new ScriptedOrigin();
        var bad = ScriptedOrigin.DeadPort();
        var connector = Given.Connector(_time);
        var domain = Given.Domain(Given.Origin(bad, weight: 1000), Given.Origin(good.Port));
        Assert.Equal(bad, connector.Order(domain, false, "h")[0].Port);
        using (var connection = (await ConnectAsync(connector, domain)).Connection)
        {
            Assert.Equal(good.Port, connection?.RemoteEndPoint.Port);
        }
        _time.Advance(TimeSpan.FromSeconds(9.999));
        Assert.All(Enumerable.Range(0, 50), _ => Assert.Equal(good.Port, connector.Order(domain, false, "h")[0].Port));
        _time.Advance(TimeSpan.FromSeconds(0.001));
        Assert.Equal(bad, connector.Order(domain, false, "h")[0].Port);
    }

    [Fact]
    public async Task AllFailing_AreStillTried()
    {
        var port = ScriptedOrigin.DeadPort();
        var connector = Given.Connector(_time);
        var domain = Given.Domain(Given.Origin(port));
        Assert.NotNull((await ConnectAsync(connector, domain)).Refusal);
        using var origin = new ScriptedOrigin(port: port);
        using var connection = (await ConnectAsync(connector, domain)).Connection;
        Assert.NotNull(connection);
    }

    [Theory]
    [InlineData(OriginProtocol.Follow, false, 80, false)]
    [InlineData(OriginProtocol.Follow, true, 443, true)]
    [InlineData(OriginProtocol.Http, true, 80, false)]
    [InlineData(OriginProtocol.Https, false, 443, true)]
    public void Protocol_DecidesPortAndTls(OriginProtocol protocol, bool clientUsesTls, int port, bool usesTls)
    {
        var domain = Given.Domain(
            config => config with { WebSocket = config.WebSocket with { OriginProtocol = protocol } }, new OriginConfig { Address = "origin.example.com" });
        var target = Assert.Single(Given.Connector().Order(domain, clientUsesTls, "h"));
        Assert.Equal(port, target.Port);
        Assert.Equal(usesTls, target.TlsName is not null);
    }

    [Theory]
    [InlineData(null, null, "shop.example.com:8443", "shop.example.com")]
    [InlineData(null, "inner.example.com", "shop.example.com", "inner.example.com")]
    [InlineData("tls.example.com", "inner.example.com", "shop.example.com", "tls.example.com")]
    [InlineData(null, null, "[2001:db8::1]:443", "2001:db8::1")]
    public void TlsName_IsServerNameElseTheHostSent(string? serverName, string? hostHeader, string host, string expected)
    {
        var domain = Given.Domain(
            config => Https(config) with { HostHeader = hostHeader, OriginTls = new OriginTlsConfig { ServerName = serverName } }, Given.Origin(443));
        Assert.Equal(expected, Assert.Single(Given.Connector().Order(domain, false, host)).TlsName);
    }

    [Fact]
    public async Task SourceAddresses_AreUsedInTurn()
    {
        using var origin = new ScriptedOrigin();
        var options = new OriginOptions { SourceAddresses = { "127.0.0.21", "127.0.0.22", "::1" } };
        Assert.Empty(options.Validate());
        var connector = Given.Connector(options: options);
        var sources = new List<string>();
        for (var i = 0; i < 4; i++)
        {
            using var connection = (await ConnectAsync(connector, Given.Domain(Given.Origin(origin.Port)))).Connection!;
            sources.Add(((IPEndPoint)connection.Socket.LocalEndPoint!).Address.ToString());
        }
        Assert.Equal(["127.0.0.21", "127.0.0.22"], sources.Distinct(StringComparer.Ordinal).Order(StringComparer.Ordinal));
        Assert.Equal(2, sources.Count(source => source == "127.0.0.21"));
    }

    [Fact]
    public void Options_TellEveryFault()
    {
        var options = new OriginOptions { ConnectTimeout = TimeSpan.Zero, HandshakeTimeout = TimeSpan.FromHours(1), SourceAddresses = { "nowhere", "192.0.2.1", "127.0.0.1" } };
        var faults = options.Validate().ToList();
        Assert.Equal(4, faults.Count);
        Assert.Contains(faults, fault => fault.Contains("Edge:Origin:ConnectTimeout", StringComparison.Ordinal));
        Assert.Contains(faults, fault => fault.Contains("Edge:Origin:HandshakeTimeout", StringComparison.Ordinal));
        Assert.Contains(faults, fault => fault.Contains("Edge:Origin:SourceAddresses:0", StringComparison.Ordinal));
        Assert.Contains(faults, fault => fault.Contains("Edge:Origin:SourceAddresses:1", StringComparison.Ordinal));
    }

    [Theory]
    [InlineData(SocketError.TooManyOpenSockets, "edge_overloaded")]
    [InlineData(SocketError.AddressNotAvailable, "edge_overloaded")]
    [InlineData(SocketError.NoBufferSpaceAvailable, "edge_overloaded")]
    [InlineData(SocketError.NetworkUnreachable, "origin_refused")]
    [InlineData(SocketError.ConnectionReset, "origin_refused")]
    [InlineData(SocketError.TimedOut, "origin_timeout")]
    public void SocketErrors_StandForTheirRefusals(SocketError error, string code)
        => Assert.Equal(code, OriginFault.Of(new SocketException((int)error)).Refusal.Code);

    [Fact]
    public async Task FirstAddressSilent_SecondIsTriedAfter250Milliseconds()
    {
        using var silent = new FullBacklog(IPAddress.Parse("127.0.0.31"));
        using var origin = new ScriptedOrigin(IPAddress.Parse("127.0.0.32"), silent.Port);
        var connector = Given.Connector(_time, lookUp: _ => Task.FromResult<IPAddress[]>([IPAddress.Parse("127.0.0.31"), IPAddress.Parse("127.0.0.32")]));
        var connecting = ConnectAsync(connector, Given.Domain(Given.Origin(silent.Port, "two.example.com")));
        await _time.WhenArmedAsync(TcpDialer.Stagger);
        Assert.False(connecting.IsCompleted);
        _time.Advance(TcpDialer.Stagger);
        using var connection = (await connecting).Connection!;
        Assert.Equal("127.0.0.32", connection.RemoteEndPoint.Address.ToString());
    }

    [Fact]
    public async Task FirstAddressRefuses_SecondIsTriedAtOnce()
    {
        using var origin = new ScriptedOrigin(IPAddress.Parse("127.0.0.34"));
        var connector = Given.Connector(_time, lookUp: _ => Task.FromResult<IPAddress[]>([IPAddress.Parse("127.0.0.33"), IPAddress.Parse("127.0.0.34")]));
        using var connection = (await ConnectAsync(connector, Given.Domain(Given.Origin(origin.Port, "two.example.com")))).Connection!;
        Assert.Equal("127.0.0.34", connection.RemoteEndPoint.Address.ToString());
    }

    [Fact]
    public async Task AllAddressesRefuse_IsOriginRefused()
    {
        var port = ScriptedOrigin.DeadPort();
        var connector = Given.Connector(lookUp: _ => Task.FromResult<IPAddress[]>([IPAddress.Parse("127.0.0.35"), IPAddress.IPv6Loopback, IPAddress.Parse("127.0.0.36")]));
        Assert.Same(Refusal.OriginRefused, (await ConnectAsync(connector, Given.Domain(Given.Origin(port, "three.example.com")))).Refusal);
    }

    private static DomainConfig Https(DomainConfig config) => config with { WebSocket = config.WebSocket with { OriginProtocol = OriginProtocol.Https } };

    private static Task<OriginConnectResult> ConnectAsync(OriginConnector connector, DomainSnapshot domain)
        => connector.ConnectAsync(domain, clientUsesTls: false, "chat.example.com", CancellationToken.None).AsTask();

    /// <summary>A listening socket whose queue is full: a further connection is neither taken nor refused.</summary>
    private sealed class FullBacklog : IDisposable
    {
        private readonly Socket _listener = new(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        private readonly List<Socket> _waiting = [];

        public FullBacklog(IPAddress address)
        {
            _listener.Bind(new IPEndPoint(address, 0));
            _listener.Listen(0);
            for (var i = 0; i < 4; i++)
            {
                var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp) { Blocking = false };
                _waiting.Add(socket);
                try
                {
                    socket.Connect(_listener.LocalEndPoint!);
                }
                catch (SocketException exception) when (exception.SocketErrorCode is SocketError.WouldBlock or SocketError.InProgress)
                {
                    // It waits for a place in the queue, which is what it is there for.
                    continue;
                }
            }
        }

        public int Port => ((IPEndPoint)_listener.LocalEndPoint!).Port;

        public void Dispose()
        {
            _waiting.ForEach(socket => socket.Dispose());
            _listener.Dispose();
        }
    }
}
