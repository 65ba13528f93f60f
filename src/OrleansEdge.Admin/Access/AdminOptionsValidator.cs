using Microsoft.Extensions.Options;

namespace OrleansEdge.Admin.Access;

/// <summary>Lists every fault of <see cref="AdminOptions"/>. Values are left out of the messages: what stands in place of a hash may be a key.</summary>
internal sealed class AdminOptionsValidator : IValidateOptions<AdminOptions>
{
    public ValidateOptionsResult Validate(string? name, AdminOptions options)
    {
        var faults = new List<string>();
        for (var i = 0; i < options.Keys.Count; i++)
        {
            AddFaults(faults, options.Keys, i);
        }

        return faults.Count == 0 ? ValidateOptionsResult.Success : ValidateOptionsResult.Fail(faults);
    }

    private static void AddFaults(List<string> faults, IList<AdminKeyOptions> keys, int index)
    {
        var key = keys[index];
        var before = keys.Take(index).ToArray();
        var setting = $"{AdminOptions.Section}:Keys:{index}";
        if (string.IsNullOrWhiteSpace(key.Name))
        {
            faults.Add($"{setting}:Name is missing.");
        }
        else if (before.Any(other => other.Name == key.Name))
        {
            faults.Add($"{setting}:Name is used twice.");
        }

        if (!key.TryGetHash(out _))
        {
            faults.Add($"{setting}:Sha256 is not 64 hexadecimal digits.");
        }
        else if (before.Any(other => other.Sha256.Equals(key.Sha256, StringComparison.OrdinalIgnoreCase)))
        {
            faults.Add($"{setting}:Sha256 is that of another key.");
        }
    }
}
