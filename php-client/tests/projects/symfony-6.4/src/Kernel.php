<?php

declare(strict_types=1);

namespace Rrts\Tests\Project;

use Symfony\Bundle\FrameworkBundle\FrameworkBundle;
use Symfony\Bundle\FrameworkBundle\Kernel\MicroKernelTrait;
use Symfony\Component\DependencyInjection\Loader\Configurator\ContainerConfigurator;
use Symfony\Component\HttpKernel\Kernel as BaseKernel;
use Symfony\Component\Routing\Loader\Configurator\RoutingConfigurator;

/** The application that the Symfony tests drive; the environment names folders for its cache and sessions. */
final class Kernel extends BaseKernel
{
    use MicroKernelTrait;

    public function registerBundles(): iterable
    {
        yield new FrameworkBundle();
    }

    public function getProjectDir(): string
    {
        return \dirname(__DIR__);
    }

    public function getCacheDir(): string
    {
        return \getenv('RRTS_TEST_CACHE') . '/' . $this->environment;
    }

    public function getLogDir(): string
    {
        return $this->getCacheDir() . '/log';
    }

    protected function configureContainer(ContainerConfigurator $container): void
    {
        $container->extension('framework', [
            'secret' => 'secret',
            'http_cache' => $this->environment === 'cached',
            'http_method_override' => false,
            'handle_all_throwables' => true,
            'php_errors' => ['log' => true],
            'router' => ['utf8' => true],
            'session' => [
                'handler_id' => null,
                'cookie_secure' => 'auto',
                'cookie_samesite' => 'lax',
                'storage_factory_id' => 'session.storage.factory.native',
            ],
        ]);
        $container->services()
            ->set(Counter::class)->public()->autoconfigure()
            ->set(Controller::class)->public()->autowire()->autoconfigure()->tag('controller.service_arguments')
            ->set(TerminateListener::class)->autoconfigure();
    }

    protected function configureRoutes(RoutingConfigurator $routes): void
    {
        foreach ((new \ReflectionClass(Controller::class))->getMethods(\ReflectionMethod::IS_PUBLIC) as $method) {
            if ($method->class === Controller::class && !$method->isConstructor()) {
                $name = $method->getName();
                $routes->add($name, '/' . $name)->controller([Controller::class, $name]);
            }
        }
    }
}
