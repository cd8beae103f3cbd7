<?php

declare(strict_types=1);

namespace Rrts\Tests\Unit\Relay;

use PHPUnit\Framework\Attributes\TestWith;
use PHPUnit\Framework\TestCase;
use Rrts\Exception\ConfigurationException;
use Rrts\Exception\TransportException;
use Rrts\Relay\RelayFactory;
use Rrts\Relay\SocketRelay;
use Rrts\Relay\StreamRelay;

final class RelayFactoryTest extends TestCase
{
    protected function tearDown(): void
    {
        \putenv(RelayFactory::VARIABLE);
    }

    public function testOutsideRrtsItSaysWhatToRun(): void
    {
        \putenv(RelayFactory::VARIABLE);

        self::assertFalse(RelayFactory::isWorker());
        $this->expectException(ConfigurationException::class);
        $this->expectExceptionMessage('rrts serve');
        RelayFactory::fromEnvironment();
    }

    public function testConnectsToTheNamedSocket(): void
    {
        $server = \stream_socket_server('tcp://127.0.0.1:0');
        self::assertNotFalse($server);
        \putenv(RelayFactory::VARIABLE . '=tcp://' . \stream_socket_get_name($server, false));

        self::assertTrue(RelayFactory::isWorker());
        self::assertInstanceOf(SocketRelay::class, RelayFactory::fromEnvironment());
    }

    public function testPipes(): void
    {
        self::assertInstanceOf(StreamRelay::class, RelayFactory::open('pipes'));
    }

    public function testADescriptorThatIsNotOpenIsAnError(): void
    {
        $this->expectException(TransportException::class);
        $this->expectExceptionMessage('Descriptor 999');
        RelayFactory::open('fd://999');
    }

    #[TestWith(['fd://'])]
    #[TestWith(['fd://x'])]
    #[TestWith(['fd://3/'])]
    #[TestWith(['http://localhost'])]
    #[TestWith(['unix://'])]
    #[TestWith(['/tmp/x.sock'])]
    public function testAnyOtherAddressIsAnError(string $address): void
    {
        $this->expectException(ConfigurationException::class);
        $this->expectExceptionMessage($address);
        RelayFactory::open($address);
    }
}
