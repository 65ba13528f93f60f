using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Orleans.Configuration;
using OrleansEdge.Grains.Admin;
using OrleansEdge.Grains.Billing;
using OrleansEdge.Grains.Storage;
using OrleansEdge.Grains.Usage;
using OrleansEdge.Model;
using StackExchange.Redis;

namespace OrleansEdge.Grains;

/// <summary>Puts the grains into a silo.</summary>
public static class SiloSetup
{
    /// <summary>Name of the storage of grain states.</summary>
    public const string Storage = "redis";

    /// <summary>Adds the grains' storage and services. Clustering and endpoints are the host's.</summary>
    /// <param name="silo">The silo.</param>
    /// <param name="redis">The Redis of the cluster; for a while it may not be there.</param>
    /// <param name="limits">Bounds for new documents.</param>
    public static ISiloBuilder AddOrleansEdgeGrains(this ISiloBuilder silo, ConfigurationOptions redis, DocumentLimits limits)
    {
        ArgumentNullException.ThrowIfNull(redis);
        silo.Services.TryAddSingleton(new EdgeClock(TimeProvider.System));
        silo.Services.AddSingleton(limits);
        AddRedis(silo.Services, Patient(redis));
        silo.Services.AddSingleton<AuditLog>();
        AddUsageAndBilling(silo.Services);
        silo.AddRedisGrainStorage(Storage, storage =>
        {
            storage.ConfigurationOptions = Patient(redis);
            storage.GrainStorageSerializer = new JsonStorage();
        });
        silo.AddIncomingGrainCallFilter<StoreFailureFilter>();
        silo.Configure<SiloMessagingOptions>(messaging => messaging.ResponseTimeout = TimeSpan.FromSeconds(4));
        return silo;
    }

    private static void AddRedis(IServiceCollection services, ConfigurationOptions redis)
    {
        services.AddSingleton(provider => ActivatorUtilities.CreateInstance<RedisConnection>(provider, redis));
        services.AddSingleton<ILifecycleParticipant<ISiloLifecycle>>(static provider => provider.GetRequiredService<RedisConnection>());
        services.AddSingleton(static provider => provider.GetRequiredService<RedisConnection>().Multiplexer);
        services.AddSingleton<RedisStore>();
        services.AddSingleton<RedisFence>();
    }

    private static void AddUsageAndBilling(IServiceCollection services)
    {
        services.AddSingleton<UsageTrouble>();
        services.AddSingleton<RedisUsageReader>();
        services.AddSingleton<UsageMark>();
        services.AddSingleton<RedisStatements>();
        services.AddSingleton<WatchedAccounts>();
        services.AddSingleton<WebhookSecrets>();
        services.AddSingleton<WebhookCaller>();
        services.AddSingleton<ILifecycleParticipant<ISiloLifecycle>, BillingUpkeep>();
    }

    // A Redis that is away is an answer within seconds, and is connected to again when it is back.
    private static ConfigurationOptions Patient(ConfigurationOptions redis)
    {
        var patient = redis.Clone();
        patient.AbortOnConnectFail = false;
        patient.BacklogPolicy = BacklogPolicy.FailFast;
        patient.AsyncTimeout = 2000;
        patient.ConnectTimeout = 2000;
        patient.ReconnectRetryPolicy = new LinearRetry(500);
        return patient;
    }
}
