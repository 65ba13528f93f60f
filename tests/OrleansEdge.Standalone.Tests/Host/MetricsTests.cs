using System.Diagnostics.Metrics;
using System.Net.WebSockets;
using System.Text.RegularExpressions;
using OpenTelemetry;
using OpenTelemetry.Metrics;
using OrleansEdge.Hosting.Telemetry;
using OrleansEdge.Testing;

namespace OrleansEdge.Standalone.Tests.Host;

public sealed class MetricsTests : IDisposable
{
    private const double FastestFlush = 0.0001;

    private readonly TemporaryFolder _folder = new();
    private readonly HttpClient _http = new();

    public void Dispose()
    {
        _http.Dispose();
        _folder.Dispose();
    }

    [Theory]
    [InlineData("http/protobuf")]
    [InlineData("grpc")]
    public async Task CollectorIsConfigured_EveryInstrumentArrivesAsDocumented(string protocol)
    {
        await using var collector = await OtlpReceiver.StartAsync(protocol == "grpc");
        await using var edge = await EdgeProcess.StartAsync(new()
        {
            Demo = true,
            Settings = new Dictionary<string, string> { ["Edge:Name"] = "edge-one" },
            Environment = new Dictionary<string, string?>
            {
                ["OTEL_EXPORTER_OTLP_ENDPOINT"] = collector.Address.ToString(),
                ["OTEL_EXPORTER_OTLP_PROTOCOL"] = protocol,
                ["OTEL_METRIC_EXPORT_INTERVAL"] = "200",
                ["OTEL_RESOURCE_ATTRIBUTES"] = "deployment.environment.name=test",
            },
        });
        await MakeTrafficAsync(edge);

        // Nothing is lost and nothing drained here.
        var documented = DocumentedMetrics.Read()
            .Where(metric => metric.Name is not ("orleansedge.access_log.dropped" or "orleansedge.drain.sessions")).ToList();
        var export = await collector.WaitAsync(candidate => documented.All(metric => candidate.Find(metric.Name) is not null));

        Assert.Equal("orleans-edge", export.Resource["service.name"]);
        Assert.Equal("0.1.0", export.Resource["service.version"]);
        Assert.Equal("edge-one", export.Resource["service.instance.id"]);
        Assert.Equal("test", export.Resource["deployment.environment.name"]);
        foreach (var expected in documented)
        {
            var metric = export.Find(expected.Name)!;
            Assert.Equal((expected.Kind, expected.Unit), (metric.Kind, metric.Unit));
            Assert.StartsWith("OrleansEdge.", metric.Scope, StringComparison.Ordinal);
            Assert.NotEmpty(metric.Description);
            Assert.All(metric.Points, point => Assert.Equal(
                expected.Tags, string.Join(',', point.Tags.Split(',').Select(tag => tag.Split('=')[0]))));
        }

        CheckPoints(await collector.WaitAsync(candidate => candidate.Find("orleansedge.websocket.io")?.Points.Count == 2
            && candidate.Find("orleansedge.websocket.ends") is not null));
    }

    [Fact]
    public async Task EdgeStops_WhatWasMeasuredLastIsSent()
    {
        await using var collector = await OtlpReceiver.StartAsync(grpc: false);
        await using var edge = await EdgeProcess.StartAsync(new()
        {
            Demo = true,
            Settings = new Dictionary<string, string> { ["Edge:Drain:Delay"] = "0", ["OTEL_SERVICE_NAME"] = "my-edge" },
            Environment = new Dictionary<string, string?>
            {
                ["OTEL_EXPORTER_OTLP_ENDPOINT"] = collector.Address.ToString(),
                ["OTEL_EXPORTER_OTLP_PROTOCOL"] = "http/protobuf",
                ["OTEL_METRIC_EXPORT_INTERVAL"] = "600000",
            },
        });
        await MakeTrafficAsync(edge);
        using var viewer = await DemoClient.ConnectAsync(edge.Edge);
        edge.Process.Terminate();
        Assert.Equal((WebSocketCloseStatus)1012, await viewer.EndAsync());
        await viewer.Socket.CloseOutputAsync(WebSocketCloseStatus.NormalClosure, null, default);
        Assert.Equal(0, await edge.Process.WaitForExitAsync());

        var export = await collector.WaitAsync(candidate => candidate.Find("orleansedge.websocket.ends") is not null);
        Assert.Equal("my-edge", export.Resource["service.name"]);
        Assert.Equal(1, export.Find("orleansedge.websocket.ends")!.Point("by=edge,cause=edge_draining").Value);
        Assert.Equal(1, export.Find("orleansedge.drain.sessions")!.Point("result=clean").Value);
        Assert.Equal(0, export.Find("orleansedge.websocket.active_sessions")!.Point("").Value);
        Assert.Equal(2, export.Find("orleansedge.websocket.session.duration")!.Point("").Count);
    }

    [Fact]
    public async Task CollectorIsAway_TheLogSaysSoAndTheEdgeStopsInTime()
    {
        await using var edge = await EdgeProcess.StartAsync(new()
        {
            Settings = new Dictionary<string, string> { ["Edge:Drain:Delay"] = "0" },
            Environment = new Dictionary<string, string?>
            {
                ["OTEL_EXPORTER_OTLP_ENDPOINT"] = $"http://127.0.0.1:{FreePort.Find()}",
                ["OTEL_METRIC_EXPORT_INTERVAL"] = "100",
            },
        });
        await edge.Process.Errors.TakeAsync(
            line => line.Contains("Metrics were not exported", StringComparison.Ordinal) ? line : null, "the warning about the collector");
        edge.Process.Terminate();
        Assert.Equal(0, await edge.Process.WaitForExitAsync(TimeSpan.FromSeconds(10)));
    }

    [Fact]
    public async Task MetricsPage_IsPrometheusTextAndTellsWhatHappened()
    {
        await using var edge = await EdgeProcess.StartAsync(new() { Demo = true });
        await MakeTrafficAsync(edge);
        using var open = await DemoClient.ConnectAsync(edge.Edge);

        var page = await PageAsync(edge, candidate => candidate.Samples.Any(sample => sample.StartsWith("orleansedge_websocket_io", StringComparison.Ordinal)));

        Assert.Equal(1, page["orleansedge_websocket_active_sessions"]);
        Assert.Equal("gauge", page.Types["orleansedge_websocket_active_sessions"]);
        Assert.Equal(1, page["""orleansedge_websocket_ends_total{by="client",cause="client_close"}"""]);
        Assert.Equal(2, page["""orleansedge_websocket_handshake_duration_seconds_count{result="accepted"}"""]);
        Assert.Equal(1, page["""orleansedge_websocket_handshake_duration_seconds_count{result="domain_unknown"}"""]);
        Assert.Equal(1, page["""orleansedge_websocket_session_duration_seconds_bucket{le="+Inf"}"""]);
        Assert.Equal(2, page["""orleansedge_config_propagation_duration_seconds_count{kind="domain"}"""]);
        Assert.True(page["""orleansedge_websocket_io_bytes_total{network_io_direction="receive"}"""] > 0);
        Assert.Contains(page.Types.Keys, name => name.StartsWith("dotnet_", StringComparison.Ordinal));
        Assert.Contains(page.Types.Keys, name => name.StartsWith("kestrel_", StringComparison.Ordinal));
    }

    [Fact]
    public async Task WebSockets_StayOutOfTheRequestDurations()
    {
        await using var edge = await EdgeProcess.StartAsync(new() { Demo = true });
        await MakeTrafficAsync(edge);
        await _http.GetStringAsync(edge.Edge);

        var page = await PageAsync(edge, candidate => candidate.Samples.Any(sample => sample.StartsWith("http_server_request_duration_seconds_count", StringComparison.Ordinal)));
        Assert.Equal(
            1,
            page.Samples.Where(sample => sample.StartsWith("http_server_request_duration_seconds_count", StringComparison.Ordinal)
                && !sample.Contains("http_route", StringComparison.Ordinal)).Sum(sample => page[sample]));
        Assert.DoesNotContain(page.Samples, sample => sample.Contains("status_code=\"101\"", StringComparison.Ordinal));
    }

    [Fact]
    public async Task InstrumentsOfTheProcess_AreThoseOfTheDocument()
    {
        List<DocumentedMetric> found = [];
        using var listener = new MeterListener
        {
            InstrumentPublished = (instrument, _) =>
            {
                lock (found)
                {
                    if (instrument.Meter.Name.StartsWith("OrleansEdge.", StringComparison.Ordinal))
                    {
                        found.Add(new(instrument.Name, KindOf(instrument), instrument.Unit!, ""));
                    }
                }
            },
        };
        listener.Start();
        await using (StandaloneApplication.Build([$"--Edge:DataDirectory={_folder["data"]}", HostProcess.AnyEdge, HostProcess.AnyAdmin]))
        {
            lock (found)
            {
                Assert.Equal(
                    DocumentedMetrics.Read().Select(metric => metric with { Tags = "" }).OrderBy(metric => metric.Name, StringComparer.Ordinal),
                    found.Distinct().OrderBy(metric => metric.Name, StringComparer.Ordinal));
            }
        }
    }

    [Fact]
    public async Task TextRenderer_EscapesWhatLabelsMayNotHold()
    {
        using var meter = new Meter("OrleansEdge.Tests.Text");
        using var prometheus = new PrometheusExporter();
        using var provider = Sdk.CreateMeterProviderBuilder().AddMeter(meter.Name).AddReader(prometheus.Reader).Build();
        meter.CreateCounter<long>("test.things", "{thing}", "A \\ and a\nline").Add(3, new KeyValuePair<string, object?>("a.b", "quote \" back \\ line \n end"));
        meter.CreateGauge<double>("test.ratio", "1").Record(0.25);
        meter.CreateUpDownCounter<double>("test.level").Add(-1.5);

        var text = System.Text.Encoding.UTF8.GetString(await prometheus.CollectAsync(default));
        var page = PrometheusPage.Parse(text);

        Assert.Contains("# HELP test_things_total A \\\\ and a\\nline\n", text, StringComparison.Ordinal);
        Assert.Equal(3, page["""test_things_total{a_b="quote \" back \\ line \n end"}"""]);
        Assert.Equal(0.25, page["test_ratio"]);
        Assert.Equal(-1.5, page["test_level"]);
    }

    /// <summary>One session with a comment, closed by the client, and one refused handshake.</summary>
    private static async Task MakeTrafficAsync(EdgeProcess edge)
    {
        using (var viewer = await DemoClient.ConnectAsync(edge.Edge))
        {
            await viewer.CommentAsync("Ada", "Hello");
            await viewer.NextAsync("comment");
            await viewer.Socket.CloseAsync(WebSocketCloseStatus.NormalClosure, "bye", default);
        }

        await edge.WaitForAccessLogAsync(entry => entry.GetProperty("event").GetString() == "close", "the session's end");
        using var stranger = new ClientWebSocket();
        stranger.Options.SetRequestHeader("Host", "unknown.example");
        await Assert.ThrowsAsync<WebSocketException>(() => stranger.ConnectAsync(new UriBuilder(edge.Edge) { Scheme = "ws" }.Uri, default));
    }

    private static void CheckPoints(OtlpExport export)
    {
        Assert.Equal(0, export.Find("orleansedge.websocket.active_sessions")!.Point("").Value);
        Assert.Equal(1, export.Find("orleansedge.websocket.handshake.duration")!.Point("result=accepted").Count);
        Assert.Equal(1, export.Find("orleansedge.websocket.handshake.duration")!.Point("result=domain_unknown").Count);
        Assert.Equal(1, export.Find("orleansedge.websocket.session.duration")!.Point("").Count);
        Assert.Equal(1, export.Find("orleansedge.origin.connect.duration")!.Point("result=connected").Count);
        Assert.Equal(1, export.Find("orleansedge.websocket.ends")!.Point("by=client,cause=client_close").Value);
        Assert.Equal(1, export.Find("orleansedge.websocket.messages")!.Point("network.io.direction=receive").Value);
        Assert.True(export.Find("orleansedge.websocket.io")!.Point("network.io.direction=receive").Value > 0);
        Assert.True(export.Find("orleansedge.websocket.io")!.Point("network.io.direction=transmit").Value > 0);
        var propagation = export.Find("orleansedge.config.propagation.duration")!.Point("kind=domain");
        Assert.Equal(2, propagation.Count);
        Assert.True(propagation.Value > FastestFlush, $"{propagation.Value} s is less than a disk takes.");
        Assert.Equal(1, export.Find("orleansedge.config.propagation.duration")!.Point("kind=tenant").Count);
    }

    private async Task<PrometheusPage> PageAsync(EdgeProcess edge, Func<PrometheusPage, bool> that)
    {
        using var late = new CancellationTokenSource(OutputLines.DefaultDeadline);
        while (true)
        {
            using var answer = await _http.GetAsync(new Uri(edge.Admin.Http.BaseAddress!, "/metrics"), late.Token);
            Assert.Equal(PrometheusExporter.ContentType, answer.Content.Headers.ContentType!.ToString());
            var page = PrometheusPage.Parse(await answer.Content.ReadAsStringAsync(late.Token));
            if (that(page))
            {
                return page;
            }

            await Task.Delay(100, late.Token);
        }
    }

    private static string KindOf(Instrument instrument) => Regex.Replace(instrument.GetType().Name, "`.*", "", RegexOptions.None, TimeSpan.FromSeconds(1)) switch
    {
        "Counter" => "counter",
        "UpDownCounter" => "up-down counter",
        "ObservableGauge" => "gauge",
        var kind => kind.ToLowerInvariant(),
    };
}
