using System.Text.Json.Nodes;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Options;
using OrleansEdge.Model;
using OrleansEdge.Relay.Telemetry;
using Xunit;

namespace OrleansEdge.Relay.Tests.Telemetry;

public sealed class AccessLogTests : IDisposable
{
    private static readonly TimeSpan Deadline = TimeSpan.FromSeconds(20);

    private readonly string _folder = Directory.CreateTempSubdirectory("edge-access-log-").FullName;
    private readonly SteppedTime _time = new();
    private readonly MetricProbe _probe = new();

    private string LogPath => Path.Combine(_folder, "access.log");

    public void Dispose()
    {
        _probe.Dispose();
        Directory.Delete(_folder, recursive: true);
    }

    [Fact]
    public async Task SessionOpens_OneLineTellsWhoAndWhere()
    {
        var line = await LineOfAsync(log => log.Opened(Session(), "/live?token=secret"));
        Assert.Equal(
            """{"event":"open","id":"s1","time":"2026-01-31T11:59:00.250Z","domain":"chat.example.com","tenant":"acme","client":"192.0.2.1:5000","origin":"10.0.0.5:80","path":"/live","protocol":"http/1.1","subprotocol":null}""",
            line);
    }

    [Fact]
    public async Task SessionEnds_OneLineTellsHowAndHowMuch()
    {
        var end = new SessionEnd(SessionEndRule.Of(EndCause.EdgeDraining), SessionPhase.Draining, 1012, 1001);
        var session = Session() with { Subprotocol = "v2.chat", BytesUp = 5_000_000_000, BytesDown = 2, MessagesUp = 3, MessagesDown = 4 };
        var line = await LineOfAsync(log => log.Closed(session, "/live", end, TimeSpan.FromMilliseconds(60_499.9)));
        Assert.Equal(
            """{"event":"close","id":"s1","time":"2026-01-31T12:00:00.000Z","domain":"chat.example.com","tenant":"acme","client":"192.0.2.1:5000","origin":"10.0.0.5:80","path":"/live","protocol":"http/1.1","subprotocol":"v2.chat","by":"edge","phase":"draining","cause":"edge_draining","clientCode":1012,"originCode":1001,"bytesUp":5000000000,"bytesDown":2,"messagesUp":3,"messagesDown":4,"durationMilliseconds":60499}""",
            line);
    }

    [Fact]
    public async Task HandshakeIsRefused_OneLineTellsTheCode()
    {
        var line = await LineOfAsync(log => log.Refused("s2", _time.GetUtcNow(), null, null, "192.0.2.1:5000", null, "/", 404, "domain_unknown", EndedBy.Edge));
        Assert.Equal(
            """{"event":"refused","id":"s2","time":"2026-01-31T12:00:00.000Z","domain":null,"tenant":null,"client":"192.0.2.1:5000","origin":null,"path":"/","status":404,"by":"edge","phase":"handshake","cause":"domain_unknown"}""",
            line);
    }

    [Theory]
    [InlineData("/a\n{\"event\":\"close\"}")]
    [InlineData("/a\r\nb")]
    [InlineData("/\u001b[2J\u0000\u007f\u0085\u2028\u2029")]
    [InlineData("/\"},{\"")]
    [InlineData("/\ud800 lone surrogate")]
    public async Task HostilePath_StaysInsideItsLine(string path)
    {
        var line = await LineOfAsync(log => log.Opened(Session(), path));
        Assert.DoesNotContain(line, character => char.IsControl(character) || character is '\u2028' or '\u2029');
        Assert.Equal(path.Replace('\ud800', '\ufffd'), (string?)JsonNode.Parse(line)!["path"]);
    }

    [Fact]
    public async Task LongPath_IsCut()
    {
        var line = await LineOfAsync(log => log.Opened(Session(), "/" + new string('x', 30_000)));
        Assert.Equal(AccessLogRenderer.MaxPathLength, ((string?)JsonNode.Parse(line)!["path"])!.Length);
    }

    [Fact]
    public async Task OutputTakesNothing_CallsReturnAndWhatDoesNotFitIsCounted()
    {
        var output = new BlockedOutput();
        var log = new AccessLog(output, _time, new RelayMetrics(_probe), NullLogger<AccessLog>.Instance);
        log.Opened(Session(), "/");
        await output.Entered.WaitAsync(Deadline);

        const int tooMany = 100;
        for (var i = 0; i < AccessLog.QueueLength + tooMany; i++)
        {
            log.Opened(Session(), "/");
        }

        Assert.Equal(tooMany, _probe.Sum("orleansedge.access_log.dropped"));
        output.Release();
        await log.DisposeAsync();
        Assert.Equal(AccessLog.QueueLength + 1, output.Lines);
    }

    [Fact]
    public async Task OutputFails_LinesAreCountedAndLaterOnesGoOn()
    {
        var output = new BlockedOutput { Failures = 1 };
        await using (var log = new AccessLog(output, _time, new RelayMetrics(_probe), NullLogger<AccessLog>.Instance))
        {
            log.Opened(Session(), "/");
            await output.Entered.WaitAsync(Deadline);
            output.Release();
            log.Opened(Session(), "/");
        }

        Assert.Equal(1, output.Lines + _probe.Sum("orleansedge.access_log.dropped") - 1);
        Assert.InRange(_probe.Sum("orleansedge.access_log.dropped"), 1, 2);
    }

    [Fact]
    public async Task FileIsRenamed_LaterLinesGoToANewFile()
    {
        using var file = new AccessLogFile(LogPath, _time);
        file.Write("one\n"u8);
        File.Move(LogPath, LogPath + ".1");
        file.Write("two\n"u8);
        _time.Step(TimeSpan.FromSeconds(1));
        file.Write("three\n"u8);

        Assert.Equal("one\ntwo\n", await File.ReadAllTextAsync(LogPath + ".1"));
        Assert.Equal("three\n", await File.ReadAllTextAsync(LogPath));
    }

    [Fact]
    public async Task FileIsRenamedAndReopenIsAsked_TheNextLineGoesToANewFile()
    {
        using var file = new AccessLogFile(LogPath, _time);
        file.Write("one\n"u8);
        File.Move(LogPath, LogPath + ".1");
        await File.WriteAllTextAsync(LogPath, "new\n");
        file.RequestReopen();
        file.Write("two\n"u8);

        Assert.Equal("new\ntwo\n", await File.ReadAllTextAsync(LogPath));
    }

    [Fact]
    public async Task FileIsTruncatedInPlace_LaterLinesBeginAtItsStart()
    {
        using var file = new AccessLogFile(LogPath, _time);
        file.Write("one\n"u8);
        await File.WriteAllTextAsync(LogPath, "");
        file.Write("two\n"u8);

        Assert.Equal("two\n", await File.ReadAllTextAsync(LogPath));
    }

    [Fact]
    public void FileCannotBeOpened_ConstructionFails()
        => Assert.ThrowsAny<IOException>(() => new AccessLog(
            Options.Create(new AccessLogOptions { Path = Path.Combine(_folder, "missing", "access.log") }),
            _time,
            new RelayMetrics(_probe),
            NullLogger<AccessLog>.Instance));

    private async Task<string> LineOfAsync(Action<AccessLog> write)
    {
        var options = Options.Create(new AccessLogOptions { Path = LogPath });
        await using (var log = new AccessLog(options, _time, new RelayMetrics(_probe), NullLogger<AccessLog>.Instance))
        {
            write(log);
        }

        var text = await File.ReadAllTextAsync(LogPath);
        Assert.EndsWith("\n", text, StringComparison.Ordinal);
        Assert.Single(text, '\n');
        return text.TrimEnd('\n');
    }

    private SessionInfo Session() => new()
    {
        Id = "s1",
        Domain = "chat.example.com",
        Tenant = "acme",
        Gateway = "edge-8080",
        Client = "192.0.2.1:5000",
        Origin = "10.0.0.5:80",
        Protocol = "http/1.1",
        StartedAt = _time.GetUtcNow() - TimeSpan.FromMilliseconds(59_750),
        LastActivityAt = _time.GetUtcNow(),
    };

    private sealed class BlockedOutput : IAccessLogOutput
    {
        private readonly ManualResetEventSlim _released = new();
        private readonly TaskCompletionSource _entered = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public string Name => "a blocked pipe";

        public Task Entered => _entered.Task;

        public int Failures { get; set; }

        public int Lines { get; private set; }

        public void Release() => _released.Set();

        public void Write(ReadOnlySpan<byte> lines)
        {
            _entered.TrySetResult();
            Assert.True(_released.Wait(Deadline), "Nobody released the output.");
            if (Failures-- > 0)
            {
                throw new IOException("No space left on device");
            }

            Lines += lines.Count((byte)'\n');
        }

        public void Dispose() => _released.Dispose();
    }
}
