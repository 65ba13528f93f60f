using System.Globalization;
using System.Net;
using Microsoft.Extensions.Configuration;
using StackExchange.Redis;

namespace OrleansEdge.Clustering.Hosting;

/// <summary>The settings that say which cluster a process belongs to: the connection to Redis, and Orleans' own section.</summary>
public static class ClusterSettings
{
    /// <summary>Setting that says where Redis is, in the words of StackExchange.Redis.</summary>
    public const string Redis = "ConnectionStrings:Redis";

    /// <summary>Setting of the cluster's id: silos with the same one are one cluster.</summary>
    public const string ClusterId = "Orleans:ClusterId";

    /// <summary>Setting of the service's id, which every key in Redis begins with: it stays when the cluster's id changes.</summary>
    public const string ServiceId = "Orleans:ServiceId";

    /// <summary>What both ids are where they are not set.</summary>
    public const string DefaultId = "orleansedge";

    private const string DefaultRedis = "127.0.0.1:6379";
    private const string AdvertisedAddress = "Orleans:Endpoints:AdvertisedIPAddress";
    private const string SiloPort = "Orleans:Endpoints:SiloPort";
    private const string GatewayPort = "Orleans:Endpoints:GatewayPort";

    /// <summary>Sections of these settings.</summary>
    public static IReadOnlyList<string> Sections { get; } = ["ConnectionStrings", "Orleans"];

    /// <summary>What holds in a client of the cluster where nothing is set.</summary>
    public static IReadOnlyList<KeyValuePair<string, string?>> ClientDefaults { get; } =
        [new(Redis, DefaultRedis), new(ClusterId, DefaultId), new(ServiceId, DefaultId)];

    /// <summary>What holds in a silo where nothing is set. Left to itself Orleans takes an address of the network, where anybody could
    /// reach ports that ask for no key.</summary>
    public static IReadOnlyList<KeyValuePair<string, string?>> SiloDefaults { get; } =
        [.. ClientDefaults, new(AdvertisedAddress, "127.0.0.1"), new(SiloPort, "11111"), new(GatewayPort, "30000")];

    /// <summary>Every fault of the settings of a client, one sentence each.</summary>
    public static IEnumerable<string> ClientFaults(IConfiguration configuration)
    {
        ArgumentNullException.ThrowIfNull(configuration);
        string?[] faults = [RedisFault(configuration), IdFault(configuration, ClusterId), IdFault(configuration, ServiceId)];
        return faults.OfType<string>();
    }

    /// <summary>Every fault of the settings of a silo. Orleans itself would take its default for a value that it cannot read.</summary>
    public static IEnumerable<string> SiloFaults(IConfiguration configuration)
    {
        string?[] faults = [AddressFault(configuration), PortFault(configuration, SiloPort), PortFault(configuration, GatewayPort)];
        return ClientFaults(configuration).Concat(faults.OfType<string>());
    }

    /// <summary>How to connect to Redis: a Redis that is away is an answer within two seconds, and connected to again when it is back.</summary>
    /// <remarks>Where the setting cannot be understood, which the faults say, this is the default.</remarks>
    public static ConfigurationOptions RedisOptions(IConfiguration configuration)
    {
        var redis = RedisFault(configuration) is null ? ConfigurationOptions.Parse(configuration[Redis]!) : ConfigurationOptions.Parse(DefaultRedis);
        redis.BacklogPolicy = BacklogPolicy.FailFast;
        redis.AsyncTimeout = 2000;
        redis.ConnectTimeout = 2000;
        redis.ReconnectRetryPolicy = new LinearRetry(500);
        return redis;
    }

    private static string? RedisFault(IConfiguration configuration)
    {
        try
        {
            return ConfigurationOptions.Parse(configuration[Redis] ?? "").EndPoints.Count > 0 ? null : $"{Redis} names no server; write HOST:PORT.";
        }
        catch (ArgumentException fault)
        {
            // The value may hold a password; what the parser says names the word that it does not know.
            return $"{Redis} is not understood: {fault.Message.Split('\n', 2)[0].TrimEnd('\r', '.')}.";
        }
    }

    private static string? IdFault(IConfiguration configuration, string setting)
        => string.IsNullOrWhiteSpace(configuration[setting]) ? $"{setting} is empty; it must be the same text in every process of the cluster." : null;

    private static string? AddressFault(IConfiguration configuration)
    {
        var value = configuration[AdvertisedAddress];
        var isOne = IPAddress.TryParse(value, out var address) && !address.Equals(IPAddress.Any) && !address.Equals(IPAddress.IPv6Any);
        return isOne ? null : $"{AdvertisedAddress} is '{value}'; it must be an IP address of this machine that the other members reach.";
    }

    private static string? PortFault(IConfiguration configuration, string setting)
    {
        var value = configuration[setting];
        var isOne = ushort.TryParse(value, NumberStyles.None, CultureInfo.InvariantCulture, out var port) && port > 0;
        return isOne ? null : $"{setting} is '{value}'; it must be 1 to 65535.";
    }
}
