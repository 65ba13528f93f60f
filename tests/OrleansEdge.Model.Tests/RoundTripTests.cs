using System.Collections;
using System.Collections.Immutable;
using System.Reflection;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace OrleansEdge.Model.Tests;

/// <summary>Random documents: what is written is read back equal, and every member counts for equality.</summary>
public class RoundTripTests
{
    private static readonly string[] Names = ["a", "chat.example.com", "*.example.com", "xn--bcher-kva.example", "localhost", "127.0.0.1", "::1"];

    [Fact]
    public void RandomDomains_AreReadBackEqual()
    {
        var random = new Random(6455);
        for (var round = 0; round < 2000; round++)
        {
            var config = RandomDomain(random);

            var result = DomainDocument.Parse(DomainDocument.Write(config), DocumentLimits.Widest);

            Assert.Empty(result.Errors);
            Assert.Equal(config, result.Value);
            Assert.Equal(config.GetHashCode(), result.Value!.GetHashCode());
            Assert.Equal(DomainDocument.Write(config), DomainDocument.Write(result.Value));
        }
    }

    [Fact]
    public void RandomTenants_AreReadBackEqual()
    {
        var random = new Random(9209);
        for (var round = 0; round < 2000; round++)
        {
            var config = RandomTenant(random);

            var result = TenantDocument.Parse(TenantDocument.Write(config), DocumentLimits.Widest);

            Assert.Empty(result.Errors);
            Assert.Equal(config, result.Value);
            Assert.Equal(config.GetHashCode(), result.Value!.GetHashCode());
        }
    }

    [Fact]
    public void TextCutOrChangedAnywhere_IsRefusedOrReadWithoutFailing()
    {
        var random = new Random(20);
        for (var round = 0; round < 3000; round++)
        {
            var text = DomainDocument.Write(RandomDomain(random));
            var damaged = random.Next(2) == 0 ? text[..random.Next(text.Length)] : text;
            if (damaged.Length > 0)
            {
                damaged[random.Next(damaged.Length)] = (byte)random.Next(256);
            }

            var result = DomainDocument.Parse(damaged, new());

            Assert.True(result.Value is null == result.Errors.Count > 0);
        }
    }

    [Fact]
    public void MembersInAnyOrder_AreTheSameDocument()
    {
        var random = new Random(5);
        var config = RandomDomain(random);
        var members = JsonNode.Parse(DomainDocument.Write(config))!.AsObject().ToList();

        var shuffled = new JsonObject(members.OrderBy(_ => random.Next()).Select(member => KeyValuePair.Create(member.Key, member.Value?.DeepClone())));

        Assert.Equal(config, DomainDocument.Parse(Encoding.UTF8.GetBytes(shuffled.ToJsonString()), DocumentLimits.Widest).Value);
    }

    [Theory]
    [InlineData(typeof(DomainConfig))]
    [InlineData(typeof(WebSocketConfig))]
    [InlineData(typeof(OriginConfig))]
    [InlineData(typeof(OriginTlsConfig))]
    [InlineData(typeof(AccessConfig))]
    [InlineData(typeof(TenantConfig))]
    [InlineData(typeof(PayAsYouGoConfig))]
    [InlineData(typeof(PricePerGB))]
    [InlineData(typeof(AlertsConfig))]
    public void OneMemberChanged_IsAnotherDocument(Type type)
    {
        foreach (var property in type.GetProperties(BindingFlags.Public | BindingFlags.Instance).Where(property => property.CanWrite))
        {
            var (one, other) = (Create(type), Create(type));
            Assert.Equal(one, other);

            property.SetValue(other, Changed(property.PropertyType, property.GetValue(other)));

            Assert.False(one.Equals(other), $"{type.Name}.{property.Name} does not count");
        }
    }

    [Fact]
    public void Api_WritesDocumentsAsTheFilesHaveThem()
    {
        var config = RandomDomain(new(1));
        var entry = new VersionEntry<DomainConfig>(42, new(2026, 1, 31, 13, 5, 6, 7, TimeSpan.FromHours(1)), "alice", false, config);

        var json = JsonNode.Parse(JsonSerializer.Serialize(entry, EdgeJson.Options))!;

        Assert.Equal(["version", "at", "by", "deleted", "document"], json.AsObject().Select(member => member.Key));
        Assert.Equal("2026-01-31T12:05:06.007Z", (string?)json["at"]);
        Assert.True(JsonNode.DeepEquals(JsonNode.Parse(DomainDocument.Write(config)), json["document"]));
        Assert.Equal(entry with { At = entry.At.ToUniversalTime() }, JsonSerializer.Deserialize<VersionEntry<DomainConfig>>(json, EdgeJson.Options));
    }

    [Fact]
    public void Api_WritesEnumerationsAsWordsAndListsWithTheirCursor()
    {
        var gateway = new GatewayInfo { Name = "a", StartedAt = DateTimeOffset.UnixEpoch, State = GatewayState.Draining, Sessions = 3, Version = "1" };

        Assert.Equal(
            """{"items":[{"name":"a","startedAt":"1970-01-01T00:00:00.000Z","state":"draining","sessions":3,"version":"1"}],"next":null}""",
            JsonSerializer.Serialize(new Page<GatewayInfo>([gateway], null), EdgeJson.Options));
        Assert.Equal("\"client_close\"", JsonSerializer.Serialize(EndCause.ClientClose, EdgeJson.Options));
    }

    private static object Create(Type type) => type == typeof(DomainConfig)
        ? new DomainConfig { Domain = "a", Tenant = "t", Origins = [new() { Address = "a" }] }
        : type == typeof(TenantConfig) ? new TenantConfig { Tenant = "t", Name = "t" }
        : type == typeof(OriginConfig) ? new OriginConfig { Address = "a" }
        : Activator.CreateInstance(type)!;

    private static object Changed(Type type, object? value) => value switch
    {
        bool flag => !flag,
        int number => number + 1,
        long number => number + 1,
        decimal number => number + 1,
        Enum word => Enum.ToObject(type, Convert.ToInt32(word) + 1),
        ImmutableArray<string> texts => texts.Add("x"),
        ImmutableArray<int> numbers => numbers.Add(1),
        ImmutableArray<OriginConfig> origins => origins.Add(new() { Address = "x" }),
        string text => text + "x",
        null => "x",
        _ when value is not IEnumerable => ChangedWithin(value),
        _ => throw new NotSupportedException($"no other value of {type} is known"),
    };

    private static object ChangedWithin(object value)
    {
        var copy = Create(value.GetType());
        var member = value.GetType().GetProperties().First(property => property.CanWrite);
        member.SetValue(copy, Changed(member.PropertyType, member.GetValue(copy)));
        return copy;
    }

    private static DomainConfig RandomDomain(Random random)
    {
        var acceleration = Pick(random, Enum.GetValues<Acceleration>());
        return new()
        {
            Domain = Pick(random, Names),
            Tenant = Pick(random, ["acme", "t-1", "0_x"]),
            Acceleration = acceleration,
            WebSocket = new()
            {
                Enabled = acceleration != Acceleration.Static && random.Next(2) == 0,
                TimeoutSeconds = random.Next(86_401),
                OriginProtocol = Pick(random, Enum.GetValues<OriginProtocol>()),
                IdleCounts = Pick(random, Enum.GetValues<IdleCounts>()),
                PingSeconds = random.Next(86_401),
                MaxSessionSeconds = random.Next(2_592_001),
                MaxConnections = random.Next(1000),
                HandshakesPerSecond = random.Next(1000),
                MaxMessageBytes = random.NextInt64(1L << 53),
                Protocol = Pick(random, Enum.GetValues<ProtocolPolicing>()),
                OriginLostCode = Pick(random, [1011, 1014]),
            },
            Origins = [.. Enumerable.Range(0, random.Next(1, 5)).Select(_ => RandomOrigin(random))],
            HostHeader = Pick(random, [null, "inner.example", "inner.example:8080", "[::1]", "[::1]:81", "10.0.0.1:82"]),
            OriginTls = new() { ServerName = Pick(random, [null, "tls.example"]), Verify = random.Next(2) == 0 },
            Access = new()
            {
                AllowedOrigins = Some(random, ["https://a.example", "https://*.b.example:8443", "null", "capacitor://localhost", "file://"]),
                AllowedAddresses = Some(random, ["10.0.0.0/8", "::1", "2001:db8::/32"]),
                DeniedAddresses = Some(random, ["10.1.0.0/16", "192.0.2.1"]),
            },
        };
    }

    private static OriginConfig RandomOrigin(Random random) => new()
    {
        Address = Pick(random, ["10.0.0.5", "[::1]", "::1", "origin.example", "my_service", "xn--bcher-kva.example"]),
        HttpPort = random.Next(1, 65_536),
        HttpsPort = random.Next(1, 65_536),
        Weight = random.Next(1, 1_001),
    };

    private static TenantConfig RandomTenant(Random random) => new()
    {
        Tenant = Pick(random, ["acme", "t-1", "0_x"]),
        Name = Pick(random, ["Acme", "Müller & <Söhne>", "名前", "\"quoted\" \\ 😀"]),
        Blocked = random.Next(2) == 0,
        PayAsYouGo = new()
        {
            Enabled = random.Next(2) == 0,
            Currency = Pick(random, ["USD", "JPY"]),
            PricePerGB = new() { Websocket = random.Next(1_000_000) / 1000m, Http = random.NextInt64(999_999_999_999_999_999) / 1_000_000_000m },
        },
        Alerts = new()
        {
            Thresholds = [.. Enumerable.Range(1, 100).Where(_ => random.Next(20) == 0)],
            Webhook = Pick(random, [null, "http://hooks.example", "https://hooks.example:444/a?b=c#d"]),
        },
    };

    private static T Pick<T>(Random random, T[] values) => values[random.Next(values.Length)];

    private static ImmutableArray<string> Some(Random random, string[] values) => [.. values.Where(_ => random.Next(2) == 0)];
}
