<?php

declare(strict_types=1);

namespace Rrts\Relay;

use Rrts\Exception\ConfigurationException;
use Rrts\Exception\TransportException;

/** Opens the channel that the master named in RRTS_RELAY. */
final class RelayFactory
{
    public const VARIABLE = 'RRTS_RELAY';

    /** Whether this process was started by rrts. */
    public static function isWorker(): bool
    {
        return self::address() !== '';
    }

    /**
     * The channel of this process.
     *
     * @throws ConfigurationException when the process was not started by rrts
     * @throws TransportException when the channel cannot be opened
     */
    public static function fromEnvironment(): RelayInterface
    {
        $address = self::address();
        if ($address === '') {
            throw new ConfigurationException('This script is a worker: rrts starts it and names the channel in ' . self::VARIABLE . '. Run "rrts serve" instead of the script.');
        }

        return self::open($address);
    }

    /**
     * @param string $address fd://number, unix://path, tcp://host:port, or pipes for stdin and stdout
     *
     * @throws ConfigurationException when the address has none of these forms
     * @throws TransportException when the channel cannot be opened
     */
    public static function open(string $address): RelayInterface
    {
        if ($address === 'pipes') {
            return StreamRelay::standard();
        }
        if (\preg_match('~^fd://(\d{1,5})$~D', $address, $match) === 1) {
            return StreamRelay::fromDescriptor((int) $match[1]);
        }
        if (\preg_match('~^(unix|tcp)://.+~', $address) === 1) {
            return new SocketRelay($address);
        }

        throw new ConfigurationException("Not a relay address: \"{$address}\"; fd://3, unix://path, tcp://host:port or pipes expected.");
    }

    private static function address(): string
    {
        return (string) \getenv(self::VARIABLE);
    }
}
